"""Laws of containers, CSV and Parquet: whatever is in a file, nothing is lost in silence and nothing is believed."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import struct
import sys
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bulk_files import NOON, A, B, read, tx, write

from exposure.errors import InputError, SourceError
from exposure.sources.bulk import containers, tables, text_lines
from exposure.sources.bulk.batches import Findings
from exposure.sources.bulk.containers import opened
from exposure.sources.bulk.staging import Staging

HEADER = "tx,tx_index,index,block,time,from,to,amount"


def row(number: int, amount: str = "5") -> str:
    return f"{tx(number)},0,0,{number},{NOON},{A},{B},{amount}"


def plain(path):
    return write(path, HEADER, row(1), row(2), row(3))


def amounts(path, **options):
    result = read([path], chain="ethereum", **options)
    return [int(one["amount"]) for one in result.transfers], [(one.line, one.reason) for one in result.rejects]


def test_the_same_rows_come_out_of_every_container(tmp_path, monkeypatch):
    source = plain(tmp_path / "plain.csv").read_bytes()
    (tmp_path / "a.bin").write_bytes(gzip.compress(source))
    (tmp_path / "b.bin").write_bytes(bz2.compress(source))
    with zipfile.ZipFile(tmp_path / "c.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/x.csv", source)
    with zipfile.ZipFile(tmp_path / "d.bin", "w") as archive:
        archive.writestr("x.csv.gz", gzip.compress(source))
    expected = read([tmp_path / "plain.csv"], chain="ethereum").rows
    assert len(expected["transfers"]) == 3
    for name in "abcd":
        assert read([tmp_path / f"{name}.bin"], chain="ethereum").rows == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(source))))
    assert read(["-"], chain="ethereum").rows == expected


def test_every_member_of_an_archive_is_read_and_none_is_written_under_its_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../escaped.csv", f"{HEADER}\n{row(1)}\n")
        archive.writestr("/absolute.csv", f"{HEADER}\n{row(2)}\nbad\n")
        archive.writestr("__MACOSX/._x", "junk")
    result = read([tmp_path / "x.zip"], chain="ethereum")
    assert [one["block"] for one in result.transfers] == [1, 2]
    assert result.rejects[0].file.endswith("x.zip:/absolute.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_what_unpacks_out_of_proportion_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "FREE_BYTES", 1 << 16)
    zeros = HEADER.encode() + b"\n" + b"\n" * (1 << 19)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(zeros))
    (tmp_path / "bomb.bz2").write_bytes(bz2.compress(zeros))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", zeros)
    for name in ("bomb.gz", "bomb.bz2", "bomb.zip"):
        with pytest.raises(InputError, match="250 times its size: refused"):
            read([tmp_path / name], chain="ethereum")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_container_that_is_cut_off_is_refused(tmp_path, pack):
    content = os.urandom(200_000).hex()
    (tmp_path / "x").write_bytes(pack(f"{HEADER}\n{row(1)}\n{content}\n".encode())[:-5000])
    with pytest.raises(InputError, match="cut off or damaged"):
        read([tmp_path / "x"], chain="ethereum")


def test_a_damaged_or_encrypted_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("x.csv", f"{HEADER}\n{row(1)}\n")
    whole = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(InputError, match="no readable zip"):
        read([tmp_path / "cut.zip"], chain="ethereum")
    (tmp_path / "bad.zip").write_bytes(whole.replace(row(1)[:20].encode(), b"x" * 20))
    with pytest.raises(InputError, match="unpacked"):
        read([tmp_path / "bad.zip"], chain="ethereum")
    central = bytearray(whole)
    place = whole.index(b"PK\x01\x02")
    struct.pack_into("<H", central, place + 8, 1)
    (tmp_path / "locked.zip").write_bytes(bytes(central))
    with pytest.raises(InputError, match="is encrypted"):
        read([tmp_path / "locked.zip"], chain="ethereum")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("x/", "")
    with pytest.raises(InputError):
        read([tmp_path / "none.zip"], chain="ethereum")


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "empty").touch()
    for name, message in (("missing", "No such file"), (".", "is a folder"), ("empty", "is empty")):
        with pytest.raises(InputError, match=message), opened([str(tmp_path / name)]):
            pass


def test_byte_order_mark_line_ends_and_empty_lines_change_nothing(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, row(1), "", row(2, "x"), row(3)]).encode())
    assert amounts(path) == ([5, 5], [(4, "amount: x is no number")])


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_delimiter_follows_from_the_header(tmp_path, delimiter):
    path = write(tmp_path / "x.csv", HEADER.replace(",", delimiter), row(1).replace(",", delimiter))
    assert amounts(path) == ([5], [])


def test_other_encodings_and_binary_files_are_refused(tmp_path):
    (tmp_path / "wide.csv").write_bytes(f"{HEADER}\n{row(1)}\n".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16: save it as UTF-8"):
        read([tmp_path / "wide.csv"], chain="ethereum")
    (tmp_path / "binary").write_bytes(b"abc\x00def")
    with pytest.raises(InputError, match="NUL byte at offset 3"):
        read([tmp_path / "binary"], chain="ethereum")


def test_a_bad_line_costs_only_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(text_lines, "MAX_LINE", 1000)
    path = tmp_path / "x.csv"
    bad = [
        (b"a,b", "has 2 columns, not 8"),
        (row(1).encode() + b",extra", "has 9 columns, not 8"),
        (row(1).encode().replace(b"0x", b"\xe9x", 1), "not UTF-8"),
        (row(1).encode().replace(b",5", b",\x005"), "NUL byte"),
        (b"x" * 5000, "longer than"),
        (b'"never closed,' + row(1).encode(), "is no CSV record"),
    ]
    lines = [HEADER.encode(), row(7).encode()]
    for line, _ in bad:
        lines += [line, row(8).encode()]
    path.write_bytes(b"\n".join(lines) + b"\n")
    monkeypatch.setattr(text_lines, "check_text", lambda head, name: None)
    monkeypatch.setattr(tables, "check_text", lambda head, name: None)
    good, rejects = amounts(path)
    assert good == [5] * (1 + len(bad))
    assert [line for line, _ in rejects] == [3 + 2 * place for place in range(len(bad))]
    for (_, reason), (_, expected) in zip(rejects, bad, strict=True):
        assert expected in reason


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends(tmp_path):
    path = write(tmp_path / "x.csv", HEADER + ",memo", row(1) + ',"a, ""b""\nc"', row(2) + ",", row(3) + ',"d"')
    assert [one["memo"] for one in read([path], chain="ethereum").transfers] == ['a, "b"\nc', None, "d"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("tx,tx,time,from,to,amount", "names a column twice"),
        ('"tx,time', "header line is no CSV"),
        (",".join("x" * 5000), "twice|columns"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read([write(tmp_path / "x.csv", header, row(1))], chain="ethereum", form="own")


def test_a_file_of_empty_lines_has_no_header(tmp_path):
    with pytest.raises(InputError, match="no header line"):
        read([write(tmp_path / "x.csv", "", "")], chain="ethereum", form="own")


def test_parquet_and_csv_of_the_same_rows_are_the_same(tmp_path):
    path = plain(tmp_path / "x.csv")
    records = [line.split(",") for line in path.read_text().split()]
    columns = dict(zip(records[0], zip(*records[1:], strict=True), strict=True))
    typed = {
        name: [int(cell) for cell in cells] if name in ("block", "index", "tx_index", "amount") else cells
        for name, cells in columns.items()
    }
    typed["time"] = pa.array([NOON * 1_000_000] * 3, pa.timestamp("us", tz="UTC"))
    typed["amount"] = pa.array(typed["amount"], pa.decimal128(38, 0))
    typed["from"] = pa.array([bytes.fromhex(cell[2:]) for cell in typed["from"]], pa.binary())
    pq.write_table(pa.table(typed), tmp_path / "x.parquet")
    assert read([tmp_path / "x.parquet"], chain="ethereum").rows == read([path], chain="ethereum").rows
    (tmp_path / "x.parquet.gz").write_bytes(gzip.compress((tmp_path / "x.parquet").read_bytes()))
    assert read([tmp_path / "x.parquet.gz"], chain="ethereum").rows == read([path], chain="ethereum").rows


def test_damaged_parquet_is_refused(tmp_path):
    table = pa.table(
        {
            "from": [A] * 1000,
            "to": [B] * 1000,
            "amount": list(range(1000)),
            "time": [NOON] * 1000,
            "tx": [tx(n) for n in range(1000)],
        }
    )
    pq.write_table(table, tmp_path / "x.parquet", compression="none")
    whole = bytearray((tmp_path / "x.parquet").read_bytes())
    (tmp_path / "cut.parquet").write_bytes(whole[:-100])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read([tmp_path / "cut.parquet"], chain="ethereum")
    whole[200:3000] = os.urandom(2800)
    (tmp_path / "bad.parquet").write_bytes(whole)
    with pytest.raises(InputError, match="Parquet|is empty|no "):
        result = read([tmp_path / "bad.parquet"], chain="ethereum")
        raise InputError(f"no error, but {len(result.rejects)} rejects") if result.rejects else AssertionError("accepted")


def _five_rows(path, **columns):
    rows = {"from": [A] * 5, "to": [B] * 5, "amount": [1] * 5, "time": [NOON] * 5, "tx": [tx(n) for n in range(5)]}
    pq.write_table(pa.table({**rows, **columns}), path)
    return path


def _not_utf8(rows):
    offsets, values = pa.array([b"\xff\xfe"] * rows).buffers()[1:]
    return pa.Array.from_buffers(pa.string(), rows, [None, offsets, values])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"amount": [[1]] * 5}, "column amount holds list"),
        ({"tx": [{"a": 1}] * 5}, "column tx holds struct"),
        ({"from": _not_utf8(5)}, "cannot be read as Parquet.*UTF8"),
    ],
)
def test_parquet_of_columns_that_hold_no_cells_is_refused(tmp_path, columns, message):
    path = _five_rows(tmp_path / "x.parquet", **columns)
    with pytest.raises(InputError, match=message):
        read([path], chain="ethereum")


@pytest.mark.parametrize(
    "times",
    [
        pa.array([10**14, -(10**14), NOON, NOON, None], pa.timestamp("s")),
        pa.array([2**62, -(2**62), NOON * 10**9, NOON * 10**9 + 1, None], pa.timestamp("ns", tz="UTC")),
        pa.array([2**31 - 1, -1, NOON // 86_400, NOON // 86_400, None], pa.date32()),
    ],
    ids=str,
)
def test_times_of_parquet_outside_of_1970_to_2100_cost_their_rows_only(tmp_path, times):
    result = read([_five_rows(tmp_path / "x.parquet", time=times)], chain="ethereum")
    assert [one["time"] // 86_400 for one in result.transfers] == [NOON // 86_400] * 2
    assert [(one.line, one.reason) for one in result.rejects] == [
        (1, "time lies outside of 1970 to 2100"),
        (2, "time lies outside of 1970 to 2100"),
        (5, "time is empty"),
    ]


def test_a_huge_value_repeated_in_every_row_of_parquet_is_refused(tmp_path):
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), pa.array(["x" * 200_000]))
    table = pa.table(
        {"from": [A] * 10_000, "to": [B] * 10_000, "amount": [1] * 10_000, "time": [NOON] * 10_000, "memo": column}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(InputError, match="has 200,000 bytes"):
        read([tmp_path / "x.parquet"], chain="ethereum")


def test_a_full_disk_under_temporary_files_is_a_sentence_and_leaves_none(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(SourceError, match="No space left.*free space for temporary files"), Staging(tmp_path) as staging:
        staging.add("rows", pa.table({"a": [1]}))
    assert not list(tmp_path.iterdir())


def test_a_query_that_the_user_interrupts_is_no_fault(tmp_path):
    class Interrupted:
        def cursor(self):
            return self

        def sql(self, _):
            raise RuntimeError("Query interrupted")

        def close(self):
            pass

    with Staging(tmp_path) as staging:
        staging._connection = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            next(staging.query("select 1"))


def test_a_form_that_nobody_knows_is_refused_with_its_columns(tmp_path):
    with pytest.raises(InputError, match="no form that is recognised .its columns are colour, size"):
        read([write(tmp_path / "x.csv", "colour,size", "1,2")])
    with pytest.raises(InputError, match="holds JSON, but no transactions"):
        read([write(tmp_path / "x.json", '{"a": 1}')])
    with pytest.raises(InputError, match="a JSON array: write one record a line"):
        read([write(tmp_path / "x.json", '[{"a": 1}]')])
    with pytest.raises(InputError, match="exposure tags import"):
        read([write(tmp_path / "x.xml", "<?xml version='1.0'?><a/>")])


CELLS = ["a", "", " b ", "0x12", "é", '"q"', '"q, r"', '"a ""b"""', '"', 'x"y', '"two\nlines"', "\r"]


def test_a_table_says_the_same_by_columns_and_by_records(tmp_path, monkeypatch):
    draw = random.Random(4)
    real, by_columns = tables.TableFile._as_columns, []

    def counted(self, *given, **more):
        chunk = real(self, *given, **more)
        by_columns.append(chunk is not None)
        return chunk

    def said(path):
        rejected = []
        with opened([str(path)], tmp_path) as files:
            chunks = tables.table_file(files.members[0]).chunks(["r", "p"], Findings(rejected.append), "t")
            return [row for chunk in chunks for row in chunk.to_pylist()], rejected

    for number in range(150):
        usual = CELLS[: draw.choice([5, 7, len(CELLS)])]
        rows = [",".join(draw.choices(usual, k=3 if draw.random() < 0.97 else 2)) for _ in range(draw.randrange(12))]
        end = draw.choice(["\n", "\r\n"])
        path = tmp_path / f"{number}.csv"
        path.write_bytes((end.join(["p,q,r", *rows]) + draw.choice(["", end, end + end])).encode())
        monkeypatch.setattr(text_lines, "BLOCK", draw.choice([20, 40, 1 << 20]))
        monkeypatch.setattr(tables.TableFile, "_as_columns", counted)
        fast = said(path)
        monkeypatch.setattr(tables.TableFile, "_as_columns", lambda *given, **more: None)
        assert fast == said(path), path.read_bytes()
    assert sum(by_columns) > 100


def test_a_long_value_repeated_in_every_row_of_parquet_takes_its_size_once(tmp_path):
    path = tmp_path / "long.parquet"
    pq.write_table(pa.table({"short": ["0xab"] * 9_000, "long": ["y" * 50_000] * 9_000, "own": map(str, range(9_000))}), path)
    with path.open("rb") as stream:
        assert tables._long_and_repeated(stream, ["short", "long", "own"]) == ["long"]
