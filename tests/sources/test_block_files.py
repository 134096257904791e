"""Laws of raw Bitcoin blocks: hand-built, since real ones at hand have neither taproot nor a lost branch."""

from __future__ import annotations

import gzip
import struct

import pytest
from block_makers import NULL, P2PKH, P2WPKH, TAPROOT, block, chain, coinbase, framed, transaction
from bulk_files import read
from hypothesis import given
from hypothesis import strategies as st

from exposure.errors import InputError
from exposure.model.ledger import LAST_INDEX
from exposure.sources.bulk.block_parser import BlockError, merkle_root, printed, read_block

HEIGHT = 800_000


def heights(result):
    return sorted({row["block"] for row in result.rows.get("outputs", [])})


def test_outputs_of_every_script_and_inputs_in_order(tmp_path):
    mint = coinbase(HEIGHT)
    parent = b"\xaa" * 32
    spend = transaction(
        [(parent, 3, b""), (mint[1], 0, b"\x00")],
        [(10, TAPROOT), (20, P2WPKH), (0, b"\x6a\x02hi"), (30, b"\x60\x02zz"), (5, b"\x51")],
        witness=[[b"sig", b"key"], []],
    )
    path = tmp_path / "x.dat"
    path.write_bytes(framed(block(b"\x11" * 32, [mint, spend])[0]))
    result = read([path])
    made = [
        (row["tx"], row["n"], row["tx_index"], row["address"], row["script"], int(row["amount"]), row["coinbase"])
        for row in result.rows["outputs"]
    ]
    assert made[0][:3] == (printed(mint[1]), 0, LAST_INDEX)
    assert made[0][3:] == ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "p2pkh", 50, True)
    assert [one[3:6] for one in made[1:3]] == [
        ("bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "p2tr", 10),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "p2wpkh", 20),
    ]
    assert [one[4] for one in made[3:]] == ["op_return", "unknown", "nonstandard"]
    assert made[3][3].startswith("script:")
    assert [(row["n"], row["spent_tx"], row["spent_n"], row["amount"], row["tx_index"]) for row in result.rows["inputs"]] == [
        (0, "aa" * 32, 3, None, 1),
        (1, printed(mint[1]), 0, None, 1),
    ]
    assert {row["tx"] for row in result.rows["inputs"]} == {printed(spend[1])}  # the id leaves the witness out
    assert heights(result) == [HEIGHT]


def test_heights_follow_the_hashes_whatever_the_order_in_the_file(tmp_path):
    blocks = chain(HEIGHT, 6, stated=False)
    known = block(blocks[-1][1], [coinbase(HEIGHT + 6)])
    late = block(known[1], [coinbase(None)], version=1)
    path = tmp_path / "x.dat"
    path.write_bytes(framed(*[one[0] for one in (known, *reversed(blocks), late)]))
    result = read([path])
    assert heights(result) == list(range(HEIGHT, HEIGHT + 8))
    assert not result.rejects


def test_a_height_must_come_from_somewhere(tmp_path):
    path = tmp_path / "x.dat"
    path.write_bytes(framed(*[one[0] for one in chain(5, 2, stated=False)]))
    with pytest.raises(InputError, match="add --height"):
        read([path])
    assert heights(read([path], height=70)) == [70, 71]
    stated = tmp_path / "y.dat"
    stated.write_bytes(framed(chain(HEIGHT, 1)[0][0]))
    with pytest.raises(InputError, match=f"says itself that it is at height {HEIGHT}"):
        read([stated], height=70)


def test_a_height_that_cannot_be_true_is_not_believed(tmp_path):
    path = tmp_path / "x.dat"
    for height in (1000, 10_000_000):  # before the rule; long after the time that the block states
        path.write_bytes(framed(chain(height, 1)[0][0]))
        with pytest.raises(InputError, match="add --height"):
            read([path])


def test_blocks_that_nothing_connects_are_rejected(tmp_path):
    stray = block(b"\x55" * 32, [coinbase(None)], version=1)
    path = tmp_path / "x.dat"
    path.write_bytes(framed(chain(HEIGHT, 1)[0][0], stray[0]))
    result = read([path])
    assert heights(result) == [HEIGHT]
    assert "nothing tells its height" in result.rejects[0].reason


def test_the_longest_branch_is_taken(tmp_path):
    trunk = chain(HEIGHT, 2)
    short = chain(HEIGHT + 2, 1, tag=b"a", previous=trunk[-1][1])
    long = chain(HEIGHT + 2, 2, tag=b"b", previous=trunk[-1][1])
    path = tmp_path / "x.dat"
    path.write_bytes(framed(*[one[0] for one in (*trunk, *short, *long)]))
    result = read([path])
    assert [row["block"] for row in result.rows["outputs"]] == [HEIGHT, HEIGHT + 1, HEIGHT + 2, HEIGHT + 3]
    assert [one.reason for one in result.rejects] == [
        f"block {printed(short[0][1])} at height {HEIGHT + 2} is not on the longest chain of these files"
    ]


def test_blocks_of_several_files_and_containers_join(tmp_path):
    blocks = chain(HEIGHT, 3, stated=False)
    known = block(blocks[-1][1], [coinbase(HEIGHT + 3)])
    (tmp_path / "a.dat").write_bytes(framed(*[one[0] for one in blocks]))
    (tmp_path / "b.dat.gz").write_bytes(gzip.compress(framed(known[0])))
    (tmp_path / "single").write_bytes(block(known[1], [coinbase(None)], version=1)[0])
    result = read([tmp_path / "a.dat", tmp_path / "b.dat.gz", tmp_path / "single"])
    assert heights(result) == list(range(HEIGHT, HEIGHT + 5))


def test_a_tail_that_is_cut_off_is_rejected_with_its_offset(tmp_path):
    one, two = (made[0] for made in chain(HEIGHT, 2))
    path = tmp_path / "x.dat"
    path.write_bytes(framed(one, two)[:-10])
    result = read([path])
    assert heights(result) == [HEIGHT]
    assert [(reject.line, "cut off" in reject.reason) for reject in result.rejects] == [(len(framed(one)), True)]


def test_zeros_at_the_end_are_nothing_and_other_bytes_are_reported(tmp_path):
    one, two = (made[0] for made in chain(HEIGHT, 2))
    path = tmp_path / "x.dat"
    path.write_bytes(framed(one) + bytes(5000) + framed(two) + bytes(100))
    assert not read([path]).rejects
    path.write_bytes(framed(one) + b"garbage!" + framed(two) + b"more")
    result = read([path])
    assert heights(result) == [HEIGHT, HEIGHT + 1]
    assert [reject.reason for reject in result.rejects] == [
        f"8 bytes at offset {len(framed(one))} are no block",
        f"4 bytes at offset {len(framed(one, two)) + 8} are no block",
    ]


def test_a_length_that_no_block_has_costs_only_itself(tmp_path):
    one, two = (made[0] for made in chain(HEIGHT, 2))
    path = tmp_path / "x.dat"
    head = framed(one)
    path.write_bytes(head[:4] + struct.pack("<I", 0xFFFFFFFF) + head[8:] + framed(two))
    result = read([path])
    assert heights(result) == [HEIGHT + 1]
    assert len(result.rejects) == 1


def test_a_changed_amount_breaks_the_merkle_root(tmp_path):
    one, two = (made[0] for made in chain(HEIGHT, 2))
    forged = one.replace(struct.pack("<Q", 50) + b"\x19", struct.pack("<Q", 51) + b"\x19")
    assert forged != one
    path = tmp_path / "x.dat"
    path.write_bytes(framed(forged, two))
    result = read([path])
    assert heights(result) == [HEIGHT + 1]
    assert "Merkle root does not fit" in result.rejects[0].reason


def test_transactions_repeated_at_the_end_are_not_hidden_by_the_merkle_root():
    one, two, three = (bytes([n]) * 32 for n in range(3))
    assert merkle_root([one, two, three]) == merkle_root([one, two, three])
    with pytest.raises(BlockError, match="repeats"):
        merkle_root([one, two, three, three])


def test_an_output_of_more_than_all_coins_is_refused(tmp_path):
    mint = coinbase(HEIGHT, outputs=[(21_000_001 * 10**8, P2PKH)])
    path = tmp_path / "x.dat"
    path.write_bytes(framed(block(NULL[:31] + b"\x01", [mint])[0]))
    result = read([path])
    assert "more than there can be" in result.rejects[0].reason


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_damaged_bytes_never_pass_for_a_block(place, octets):
    mint = coinbase(HEIGHT)
    whole = block(b"\x11" * 32, [mint, transaction([(mint[1], 0, b"")], [(5, TAPROOT)], [[b"x"]])])[0]
    damaged = whole[:place] + octets + whole[place + len(octets) :]
    try:
        header, transactions = read_block(damaged)
    except BlockError:
        return
    # What is read is what the header commits to: only the header itself, or a witness, can have changed.
    assert merkle_root([bytes.fromhex(one.txid)[::-1] for one in transactions]) == header.merkle_root


@given(st.integers(0, 400))
def test_a_block_that_is_cut_off_is_refused(length):
    whole = block(b"\x11" * 32, [coinbase(HEIGHT)])[0]
    if length < len(whole):
        with pytest.raises(BlockError):
            read_block(whole[:length])


def test_hostile_counts_are_refused_at_once():
    header = block(b"\x11" * 32, [coinbase(HEIGHT)])[0][:80]
    for count in (b"\x00", b"\xff" + b"\xff" * 8, b"\xfe" + b"\xff" * 4):
        with pytest.raises(BlockError):
            read_block(header + count + bytes(100))
    with pytest.raises(BlockError):
        read_block(header + b"\x01" + bytes(4) + b"\xff" * 9)


def test_other_networks_follow_from_the_magic_and_do_not_mix(tmp_path):
    regtest = tmp_path / "r.dat"
    regtest.write_bytes(framed(*[one[0] for one in chain(3, 2)], magic=b"\xfa\xbf\xb5\xda"))
    result = read([regtest])
    assert {row["chain"] for row in result.rows["outputs"]} == {"bitcoin-regtest"}
    assert heights(result) == [3, 4]
    main = tmp_path / "m.dat"
    main.write_bytes(framed(chain(HEIGHT, 1)[0][0]))
    with pytest.raises(InputError, match="several chains"):
        read([regtest, main])
    with pytest.raises(InputError, match="are of bitcoin-regtest, not of bitcoin"):
        read([regtest], chain="bitcoin")


def test_what_is_no_block_file_is_refused(tmp_path):
    path = tmp_path / "x.dat"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InputError, match=r"xor\.dat"):
        read([path], form="raw-blocks")


def test_files_under_a_nodes_key_are_the_same(tmp_path):
    plain = framed(*[one[0] for one in chain(HEIGHT, 5)]) + bytes(99)
    key = bytes(range(1, 9))
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "blk.dat").write_bytes(plain)
    (tmp_path / "blk.dat").write_bytes(bytes(octet ^ key[place % 8] for place, octet in enumerate(plain)))
    with pytest.raises(InputError, match=r"xor\.dat"):
        read([tmp_path / "blk.dat"], form="raw-blocks")
    (tmp_path / "xor.dat").write_bytes(key)
    assert read([tmp_path / "blk.dat"]).rows == read([tmp_path / "plain" / "blk.dat"]).rows
    (tmp_path / "copied.dat").write_bytes(plain)  # without the key, though one lies there
    assert heights(read([tmp_path / "copied.dat"])) == list(range(HEIGHT, HEIGHT + 5))
