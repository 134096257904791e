"""Bitcoin: networks, and from an output's script to the address it is filed under."""

from __future__ import annotations

from typing import NamedTuple

from exposure.errors import InputError
from exposure.model.addresses import base58, bech32
from exposure.model.addresses.hashes import hash160


class Network(NamedTuple):
    """What distinguishes the addresses of a Bitcoin network."""

    hrp: str
    p2pkh: int
    p2sh: int


MAINNET = Network("bc", 0x00, 0x05)
TESTNET = Network("tb", 0x6F, 0xC4)
REGTEST = Network("bcrt", 0x6F, 0xC4)

NETWORKS: dict[str, Network] = {
    "mainnet": MAINNET,
    "testnet": TESTNET,
    "regtest": REGTEST,
    "bitcoin": MAINNET,
    "bitcoin-testnet": TESTNET,
    "bitcoin-regtest": REGTEST,
}
"""Networks by their own name and by the name of their chain."""


def network(name: str) -> Network:
    """The network of a name: mainnet, testnet, regtest, or a chain's name."""
    if name not in NETWORKS:
        raise InputError(f"unknown Bitcoin network {name!r}: use one of {', '.join(NETWORKS)}")
    return NETWORKS[name]


def p2pkh_address(key_hash: bytes, name: str = "mainnet") -> str:
    """Address of a key's hash (20 bytes)."""
    return base58.encode(bytes([network(name).p2pkh]) + key_hash)


def p2sh_address(script_hash: bytes, name: str = "mainnet") -> str:
    """Address of a script's hash (20 bytes)."""
    return base58.encode(bytes([network(name).p2sh]) + script_hash)


def witness_address(version: int, program: bytes, name: str = "mainnet") -> str:
    """Address of a witness program: version 0 with 20 or 32 bytes, versions 1 to 16 with 2 to 40."""
    return bech32.encode_program(network(name).hrp, version, program)


def script_id(script: bytes) -> str:
    """Stable id of a script that has no address: ``script:`` and its hash160 in hex."""
    return f"script:{hash160(script).hex()}"


_OP_1, _OP_16, _OP_RETURN, _CHECKSIG, _CHECKMULTISIG = 0x51, 0x60, 0x6A, 0xAC, 0xAE


def _is_key(octets: bytes) -> bool:
    """Whether the length and first byte are those of a public key; 06 and 07 are the hybrid forms of old clients."""
    if not octets:
        return False
    return (len(octets) == 33 and octets[0] in (2, 3)) or (len(octets) == 65 and octets[0] in (4, 6, 7))


def _is_multisig(script: bytes) -> bool:
    """``m <keys> n OP_CHECKMULTISIG`` with 1 <= m <= n <= 16 and n keys."""
    if len(script) < 3 or script[-1] != _CHECKMULTISIG:
        return False
    required, total = script[0] - _OP_1 + 1, script[-2] - _OP_1 + 1
    if not 1 <= required <= total <= 16:
        return False
    place, keys = 1, 0
    while place < len(script) - 2:
        length = script[place]
        if not _is_key(script[place + 1 : place + 1 + length]) or place + 1 + length > len(script) - 2:
            return False
        place += 1 + length
        keys += 1
    return keys == total


def script_address(script: bytes, name: str = "mainnet") -> tuple[str, str]:
    """Where an output is filed: (address or script id, kind of script).

    Parameters
    ----------
    script
        The output's script (scriptPubKey) as bytes.
    name
        mainnet, testnet, regtest, or the chain's name.

    Returns
    -------
    tuple of str
        The canonical address and the kind, one of p2pk, p2pkh, p2sh, p2wpkh, p2wsh, p2tr, multisig, op_return,
        nonstandard, unknown (a witness version, or a length of its program, that has no meaning yet; it has an address).
        P2PK is filed under the P2PKH address of its key, so that a key's coins lie together. Bare multisig and all that
        has no address carry ``script:<hash160>``.
    """
    size = len(script)
    if size == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return p2pkh_address(script[3:23], name), "p2pkh"
    if size == 23 and script[:2] == b"\xa9\x14" and script[22] == 0x87:
        return p2sh_address(script[2:22], name), "p2sh"
    if 4 <= size <= 42 and script[1] == size - 2 and (script[0] == 0 or _OP_1 <= script[0] <= _OP_16):
        version, program = (script[0] - _OP_1 + 1 if script[0] else 0), script[2:]
        if version == 0 and len(program) in (20, 32):
            return witness_address(0, program, name), "p2wpkh" if len(program) == 20 else "p2wsh"
        if version > 0:
            return witness_address(version, program, name), "p2tr" if version == 1 and len(program) == 32 else "unknown"
        return script_id(script), "nonstandard"
    if size in (35, 67) and script[0] == size - 2 and script[-1] == _CHECKSIG and _is_key(script[1:-1]):
        return p2pkh_address(hash160(script[1:-1]), name), "p2pk"
    if script[:1] == bytes([_OP_RETURN]):
        return script_id(script), "op_return"
    return script_id(script), "multisig" if _is_multisig(script) else "nonstandard"


def address_script(address: str) -> bytes:
    """The output script that pays a canonical Bitcoin address.

    Raises
    ------
    InputError
        For ``script:`` ids: a hash does not give its script back.
    """
    if address.startswith("script:"):
        raise InputError(f"{address} is the hash of a script without an address: no source finds it by that")
    if address.startswith(tuple(net.hrp + "1" for net in (MAINNET, TESTNET, REGTEST))):
        _, version, program = bech32.decode_program(address)
        return bytes([_OP_1 + version - 1 if version else 0, len(program)]) + program
    payload = base58.decode(address)
    if payload[0] in (MAINNET.p2pkh, TESTNET.p2pkh):
        return b"\x76\xa9\x14" + payload[1:] + b"\x88\xac"
    return b"\xa9\x14" + payload[1:] + b"\x87"
