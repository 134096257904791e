"""A few transactions of the account chain in ethereum-etl's form, to try that importer on: an extract, not a whole ledger."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from exposure.simulate.accounts import ETH, TransferRow

MOST = 40
_GAS = 21_000


def tables(rows: Iterable[TransferRow]) -> dict[str, str]:
    """File name to CSV text of blocks, transactions, receipts and token transfers.

    Only transactions whose first row is their call and whose others are token events: there is no table of traces here.
    """
    blocks = ["number,hash,timestamp"]
    transactions = [
        "hash,nonce,block_hash,block_number,transaction_index,from_address,to_address,value,gas,gas_price,input,block_timestamp"
    ]
    receipts = ["transaction_hash,transaction_index,block_hash,block_number,gas_used,status,effective_gas_price"]
    tokens = ["token_address,from_address,to_address,value,transaction_hash,log_index,block_number"]
    for tx, group in groupby(rows, key=attrgetter("tx")):
        call, *events = group
        if not call.sender or not call.fee or call.asset != ETH or any(event.asset == ETH for event in events):
            continue
        if len(blocks) > MOST:
            break
        block_hash = f"0x{call.block:064x}"
        price = call.fee // _GAS
        if price * _GAS != call.fee:
            continue
        blocks.append(f"{call.block},{block_hash},{call.time}")
        data = "0xa9059cbb" if events else "0x"
        transactions.append(
            f"{tx},0,{block_hash},{call.block},0,{call.sender},{call.receiver},{call.amount},{_GAS},{price},{data},{call.time}"
        )
        receipts.append(f"{tx},0,{block_hash},{call.block},{_GAS},{int(call.status == 'ok')},{price}")
        for event in events:
            contract = event.asset.partition("/")[2]
            tokens.append(f"{contract},{event.sender},{event.receiver},{event.amount},{tx},{event.serial},{event.block}")
    named = {"blocks": blocks, "transactions": transactions, "receipts": receipts, "token_transfers": tokens}
    return {f"{name}.csv": "\n".join(lines) + "\n" for name, lines in named.items()}
