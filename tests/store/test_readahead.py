"""What a search will read is asked for where it is not in memory, and only there."""

import os
import resource
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from exposure.store import readahead
from exposure.taint.kernels.ends import END

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice about files")


@pytest.fixture
def mapped(tmp_path):
    """Runs of 3,000 pots, some of them long, in two mapped files."""
    draw = np.random.default_rng(1)
    lengths = np.where(draw.random(3_000) < 0.01, 20_000, draw.integers(1, 30, 3_000))
    firsts = np.concatenate([[0], np.cumsum(lengths)])
    for name, array in (("ends", np.zeros(firsts[-1], END)), ("firsts", firsts)):
        (tmp_path / name).write_bytes(array.tobytes())
    return np.memmap(tmp_path / "ends", END, "r"), np.memmap(tmp_path / "firsts", np.int64, "r"), lengths


@pytest.fixture
def asked(monkeypatch):
    """What is asked for, by file; every look at the count of faults finds as many more as ``faults`` says."""
    said = SimpleNamespace(faults=readahead.SAMPLE, count=0, by_file={"ends": [], "firsts": []})

    def usage(_who):
        said.count += said.faults
        return SimpleNamespace(ru_majflt=said.count)

    def advise(handle, start, length, advice):
        assert advice == os.POSIX_FADV_WILLNEED and length > 0 and start >= 0
        said.by_file[Path(f"/proc/self/fd/{handle}").readlink().name].append((start, start + length))

    monkeypatch.setattr(resource, "getrusage", usage)
    monkeypatch.setattr(os, "posix_fadvise", advise)
    return said


def covers(ranges, first, last):
    return any(begin <= first and last <= end for begin, end in ranges)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="files behind handles cannot be named here")
@pytest.mark.parametrize("count", [readahead.SAMPLE, 700, 3_000])
def test_all_that_will_be_read_is_asked_for_once(mapped, asked, count):
    ends, firsts, lengths = mapped
    pots = np.random.default_rng(2).permutation(3_000)[:count].astype(np.int32)
    tops = (lengths[pots] * np.random.default_rng(3).random(count)).astype(np.int32)
    readahead.expect(ends, firsts, pots, tops)
    for pot, top in zip(pots.tolist(), tops.tolist(), strict=True):
        last = int(firsts[pot] + top + 1) * END.itemsize
        first = max(int(firsts[pot]) * END.itemsize, last - readahead.MOST)
        assert covers(asked.by_file["ends"], first, last)
        assert covers(asked.by_file["firsts"], pot * 8, pot * 8 + 8)
    for ranges in asked.by_file.values():
        for (_, end), (begin, _) in zip(ranges, ranges[1:], strict=False):
            assert begin > end + readahead.GAP


def test_nothing_is_asked_for_what_is_in_memory_or_for_a_few_pots_or_for_arrays(mapped, asked):
    ends, firsts, _ = mapped
    many, few = np.arange(500, dtype=np.int32), np.arange(readahead.SAMPLE - 1, dtype=np.int32)
    readahead.expect(ends, firsts, few, np.zeros_like(few))
    readahead.expect(np.array(ends), firsts, many, np.zeros_like(many))
    asked.faults = 0
    readahead.expect(ends, firsts, many, np.zeros_like(many))
    assert asked.by_file == {"ends": [], "firsts": []}
