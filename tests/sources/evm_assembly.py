"""Contracts for tests, in EVM assembly: a token, a wrapped coin, an emitter of odd events, and a router of value."""

from __future__ import annotations

from exposure.model.addresses.hashes import keccak256

_OPS = {
    "STOP": 0x00, "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "DIV": 0x04, "LT": 0x10, "GT": 0x11, "EQ": 0x14, "ISZERO": 0x15,
    "SHR": 0x1C, "ADDRESS": 0x30, "CALLER": 0x33, "CALLVALUE": 0x34, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36,
    "CALLDATACOPY": 0x37, "CODECOPY": 0x39, "POP": 0x50, "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMP": 0x56,
    "JUMPI": 0x57, "GAS": 0x5A, "CREATE": 0xF0, "CALL": 0xF1, "RETURN": 0xF3, "DELEGATECALL": 0xF4, "REVERT": 0xFD,
    "SELFDESTRUCT": 0xFF, **{f"DUP{n}": 0x7F + n for n in range(1, 17)}, **{f"SWAP{n}": 0x8F + n for n in range(1, 17)},
    **{f"LOG{n}": 0xA0 + n for n in range(5)},
}  # fmt: skip


def assemble(text: str, blob: bytes = b"") -> bytes:
    """Code of a text: opcodes; numbers are pushed; ``:name`` is a place, ``@name`` pushes it; ``@blob`` lies behind all."""
    code, places, uses = bytearray(), {}, []
    for word in text.split():
        if word.startswith(":"):
            places[word[1:]] = len(code)
            code.append(0x5B)
        elif word.startswith("@"):
            uses.append((len(code) + 1, word[1:]))
            code += b"\x61\x00\x00"
        elif word in _OPS:
            code.append(_OPS[word])
        else:
            number = int(word, 0)
            octets = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
            code += bytes([0x5F + len(octets)]) + octets
    places["blob"] = len(code)
    for at, name in uses:
        code[at : at + 2] = places[name].to_bytes(2, "big")
    return bytes(code) + blob


def selector(signature: str) -> str:
    """The four bytes by which a function is called, as a number for `assemble`."""
    return "0x" + keccak256(signature.encode())[:4].hex()


def topic(signature: str) -> str:
    """The first topic of an event."""
    return "0x" + keccak256(signature.encode()).hex()


TRANSFER = topic("Transfer(address,address,uint256)")
DEPOSIT = topic("Deposit(address,uint256)")
WITHDRAWAL = topic("Withdrawal(address,uint256)")

_TAKE = "CALLER SLOAD DUP2 DUP2 LT @fail JUMPI DUP2 SWAP1 SUB CALLER SSTORE"  # amount -> amount
_TRUE = "1 0 MSTORE 32 0 RETURN"
_WORD = "0 MSTORE 32 0 RETURN"


def _branches(*signatures: str) -> str:
    found = [f"DUP1 {selector(signature)} EQ @{signature.partition('(')[0]} JUMPI" for signature in signatures]
    return "0 CALLDATALOAD 224 SHR " + " ".join(found)


def _text(text: bytes) -> bytes:
    padded = text + bytes(-len(text) % 32)
    return (32).to_bytes(32, "big") + len(text).to_bytes(32, "big") + padded


def token(symbol: bytes = b"TKN", decimals: int = 6, *, keeps_percent: int = 0) -> bytes:
    """A token: transfer, mint, balanceOf, symbol, decimals; ``rebase`` doubles the caller's balance without an event.

    ``keeps_percent``: what a transfer loses on the way although its event shows all of it.
    """
    blob = _text(symbol)
    return assemble(
        f"""
        {
            _branches(
                "transfer(address,uint256)", "balanceOf(address)", "mint(address,uint256)", "symbol()", "decimals()", "rebase()"
            )
        }
        :fail 0 0 REVERT
        :transfer 36 CALLDATALOAD {_TAKE}
            4 CALLDATALOAD DUP1 SLOAD DUP3 {100 - keeps_percent} MUL 100 SWAP1 DIV ADD DUP2 SSTORE
            DUP2 0 MSTORE CALLER {TRANSFER} 32 0 LOG3 {_TRUE}
        :mint 36 CALLDATALOAD 4 CALLDATALOAD DUP1 SLOAD DUP3 ADD DUP2 SSTORE
            DUP2 0 MSTORE 0 {TRANSFER} 32 0 LOG3 {_TRUE}
        :balanceOf 4 CALLDATALOAD SLOAD {_WORD}
        :rebase CALLER SLOAD 2 MUL CALLER SSTORE {_TRUE}
        :decimals {decimals} {_WORD}
        :symbol {len(blob)} @blob 0 CODECOPY {len(blob)} 0 RETURN
        """,
        blob,
    )


def wrapped_coin() -> bytes:
    """A wrapped coin: made by paying it, destroyed by ``withdraw``; neither emits a Transfer."""
    blob = _text(b"WETH")
    return assemble(
        f"""
        CALLDATASIZE ISZERO @deposit JUMPI
        {_branches("transfer(address,uint256)", "balanceOf(address)", "withdraw(uint256)", "symbol()", "decimals()")}
        :fail 0 0 REVERT
        :deposit CALLER SLOAD CALLVALUE ADD CALLER SSTORE
            CALLVALUE 0 MSTORE CALLER {DEPOSIT} 32 0 LOG2 STOP
        :withdraw 4 CALLDATALOAD {_TAKE}
            0 0 0 0 DUP5 CALLER GAS CALL POP
            DUP1 0 MSTORE CALLER {WITHDRAWAL} 32 0 LOG2 STOP
        :transfer 36 CALLDATALOAD {_TAKE}
            4 CALLDATALOAD DUP1 SLOAD DUP3 ADD DUP2 SSTORE
            DUP2 0 MSTORE CALLER {TRANSFER} 32 0 LOG3 {_TRUE}
        :balanceOf 4 CALLDATALOAD SLOAD {_WORD}
        :decimals 18 {_WORD}
        :symbol {len(blob)} @blob 0 CODECOPY {len(blob)} 0 RETURN
        """,
        blob,
    )


def emitter() -> bytes:
    """Emits a Transfer event of whatever it is given: words (topics, from, to, amount), with 3, 4 or 1 topics."""
    return assemble(
        f"""
        0 CALLDATALOAD DUP1 3 EQ @three JUMPI DUP1 4 EQ @four JUMPI
        96 32 0 CALLDATACOPY {TRANSFER} 96 0 LOG1 STOP
        :three 96 CALLDATALOAD 0 MSTORE 64 CALLDATALOAD 32 CALLDATALOAD {TRANSFER} 32 0 LOG3 STOP
        :four 96 CALLDATALOAD 64 CALLDATALOAD 32 CALLDATALOAD {TRANSFER} 0 0 LOG4 STOP
        """
    )


PAY, DELEGATE, CREATE, NEST, FAIL, DESTROY = range(6)


def router() -> bytes:
    """Moves value as its call data says, in steps of three words (what, address, amount); see the constants above.

    ``NEST`` calls another router with the steps that follow, and ends.
    """
    return assemble(
        f"""
        0
        :loop DUP1 CALLDATASIZE GT ISZERO @end JUMPI
            DUP1 CALLDATALOAD
            DUP1 {DELEGATE} EQ @delegate JUMPI DUP1 {CREATE} EQ @create JUMPI DUP1 {NEST} EQ @nest JUMPI
            DUP1 {FAIL} EQ @fail JUMPI DUP1 {DESTROY} EQ @destroy JUMPI
            POP 0 0 0 0 DUP5 64 ADD CALLDATALOAD DUP6 32 ADD CALLDATALOAD GAS CALL POP @next JUMP
        :delegate POP 0 0 0 0 DUP5 32 ADD CALLDATALOAD GAS DELEGATECALL POP @next JUMP
        :create POP 0 0 DUP3 64 ADD CALLDATALOAD CREATE POP @next JUMP
        :nest POP DUP1 96 ADD DUP1 CALLDATASIZE SUB DUP1 DUP3 0 CALLDATACOPY
            0 0 DUP3 0 DUP7 64 ADD CALLDATALOAD DUP8 32 ADD CALLDATALOAD GAS CALL POP STOP
        :fail 0 0 REVERT
        :destroy POP 32 ADD CALLDATALOAD SELFDESTRUCT
        :next 96 ADD @loop JUMP
        :end STOP
        """
    )


def words(*values: int | str) -> str:
    """Call data of 32-byte words: numbers, or addresses."""
    numbers = [int(value, 16) if isinstance(value, str) else value for value in values]
    return "".join(number.to_bytes(32, "big").hex() for number in numbers)


def call(signature: str, *values: int | str) -> str:
    """Call data of a function."""
    return selector(signature) + words(*values)
