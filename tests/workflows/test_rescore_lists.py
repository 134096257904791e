"""Lists of wallets and results by columns say what they say line by line."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa

from exposure.sources import address_lists
from exposure.sources.bulk import text_lines
from exposure.workflows.rescore import wallets
from exposure.workflows.rescore.output import RowsFile
from exposure.workflows.rescore.rows import schema

CELLS = ["0x" + "ab" * 20, " 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ", "", "x", "#y", "é", '"a, b"', '"', "a\rb", "\x00", "\ufeffz"]


def spelled(found: address_lists.Column) -> object:
    return found.lines.tolist(), found.texts.to_pylist(), found.faults


def test_a_block_of_lines_is_read_by_columns_as_line_by_line() -> None:
    draw, fast = random.Random(1), 0
    for _ in range(400):
        usual = CELLS[:6] if draw.random() < 0.6 else CELLS
        rows = [",".join(draw.choices(usual, k=draw.choice([1, 2, 2, 2, 3]))) for _ in range(draw.randrange(1, 9))]
        end = draw.choice(["\n", "\r\n"])
        block = (end.join(rows) + draw.choice(["", end])).encode()
        block += draw.choice([b"", b"", b"", b"\xff\n"])
        for place, after in ((None, 0), (0, 0), (1, 5)):
            slow = address_lists._one_by_one(5, block, place, after)
            columns = address_lists._fast(5, block, place, after)
            if columns is not None:
                fast += 1
                assert spelled(columns) == spelled(slow), block
    assert fast > 300


def test_blocks_keep_whole_lines_and_their_numbers(monkeypatch) -> None:
    monkeypatch.setattr(text_lines, "BLOCK", 7)
    monkeypatch.setattr(text_lines, "MAX_LINE", 30)
    text = "\ufeffone\n\ntwo two two\nthree" + "\n" + "x" * 50 + "\nlast é"
    whole = list(text_lines.lines(io.BytesIO(text.encode())))
    cut = [
        line
        for number, block in text_lines.blocks(io.BytesIO(text.encode()))
        for line in text_lines.numbered_lines(number, block)
    ]
    assert cut == whole
    assert [line.number for line in cut] == [1, 3, 4, 5, 6] and "longer" in cut[3].fault


def test_json_lines_are_read_by_columns_as_line_by_line() -> None:
    good = [json.dumps({"id": n, "wallet": f" w{n} ", "nested": {"address": "no"}}) for n in range(5)]
    other = [*good, json.dumps({"address": "first", "wallet": "second"}), json.dumps({"address": 5, "wallet": "w"})]
    for lines in (good, other, [*good, "no json"], [*good, "", json.dumps({"wallet": None})], ["[1]", '{"account": "a"}']):
        block = "\n".join(lines).encode()
        slow = wallets._one_by_one(3, block, address_lists.USUAL_COLUMNS)
        columns = wallets._fast(3, block, address_lists.USUAL_COLUMNS)
        assert columns is None or spelled(columns) == spelled(slow), lines
    assert wallets._fast(3, "\n".join(good).encode(), ["wallet"]) is not None


def test_canonical_wallets_stand_once_in_order_and_the_others_are_told() -> None:
    lower = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"
    mixed = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96"
    coin = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    given = [coin, mixed, "0x12", lower, "0x" + "12" * 20, coin]
    fault = address_lists.Listed(2, "", "is empty")
    column = address_lists.Column(np.array([1, 3, 4, 5, 6, 7]), pa.array(given, pa.string()), [fault])
    known, rejected = wallets.canonical([column, column])
    assert known.to_pylist() == [coin, lower, "0x" + "12" * 20]
    assert [row.line for row in rejected] == [2, 4, 2, 4]


def test_json_lines_of_rows_are_json_and_say_what_the_rows_say(tmp_path: Path) -> None:
    made = schema(1)
    plain = {"wallet": "0x1", "amount": 10**37, "share": 1e-05, "hops": None, "note": "", "first_at": 0}
    odd = {**plain, "wallet": 'a "quoted" \\ one', "share": 0.25}
    for rows in ([plain], [plain, odd]):
        sink = io.BytesIO()
        table = pa.Table.from_pylist([{name: row.get(name) for name in made.names} for row in rows], made)
        file = RowsFile(sink, "jsonl", made)
        file.write(table)
        file.close()
        for line, row in zip(sink.getvalue().splitlines(), rows, strict=True):
            found = json.loads(line)
            assert list(found) == made.names
            assert found["wallet"] == row["wallet"] and found["amount"] == str(10**37) and found["hops"] is None
            assert found["share"] == row["share"] and found["first_at"] == "1970-01-01T00:00:00Z"
