"""A trace index appears whole or not at all, belongs to one numbered index, and says each movement at both of its pots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import store_ledgers as made

from exposure.errors import StoreError
from exposure.store import ends
from exposure.store.numbered import numbered
from exposure.store.store import Store
from exposure.taint.kernels.ends import FLAG, PLACE


@pytest.fixture
def store(tmp_path: Path):
    with Store.create(tmp_path / "store") as store:
        with store.writer("import") as writer:
            writer.append("transfers", made.transfer_rows(made.random_transfers(5, 400, 40)))
            writer.commit()
        yield store


def folders(store: Store) -> list[str]:
    return sorted(path.name.split(".", 1)[-1] for path in (store.path / "index").iterdir() if ".ends" in path.name)


def test_it_is_the_same_however_many_passes_it_takes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with numbered(store, "ethereum") as index:
        whole = ends.ends_of(index)
        place = index.place.with_name(f"{index.place.name}.ends")
        (place / "manifest.json").unlink()  # what has no manifest is made anew
        monkeypatch.setattr(ends, "BUCKET", 50)
        monkeypatch.setattr(ends, "CHUNK", 37)
        told: list[tuple[int, int]] = []
        parts = ends.ends_of(index, lambda done, total: told.append((done, total)))
        assert len(told) > 5 and told[-1][0] == told[-1][1] == max(done for done, _ in told)
        assert sorted(told, key=lambda one: one[0]) == told
        assert np.array_equal(whole.ends, parts.ends) and np.array_equal(whole.firsts, parts.firsts)
        assert np.array_equal(whole.short, parts.short) and (whole.short >= 0).any()
        source, target = np.asarray(index.columns["source"]), np.asarray(index.columns["target"])
        for pot in range(index.pots):
            run = parts.ends[parts.firsts[pot] : parts.firsts[pot + 1]]
            assert (run["row"] & PLACE).tolist() == np.flatnonzero((source == pot) | (target == pot)).tolist()
            assert np.array_equal(run["at"] & FLAG != 0, source[run["row"] & PLACE] == pot)


def test_a_killed_maker_leaves_none_and_the_next_one_makes_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with numbered(store, "ethereum") as index:
        with monkeypatch.context() as patched:

            def killed(*_: object) -> None:
                raise KeyboardInterrupt

            patched.setattr(ends, "sync_folder", killed)
            with pytest.raises(KeyboardInterrupt):
                ends.ends_of(index)
        assert folders(store) == []
        killed_outright = index.place.with_name(f"{index.place.name}.ends.0123abcd.part")
        killed_outright.mkdir()
        assert len(ends.ends_of(index).ends) > 400
        assert folders(store) == ["ends"]


def test_one_of_another_index_or_of_another_length_is_made_anew(store: Store) -> None:
    with numbered(store, "ethereum") as index:
        ends.ends_of(index)
        place = index.place.with_name(f"{index.place.name}.ends")
        said = (place / "manifest.json").read_text()
        assert str(index.facts.key) in said
        (place / "manifest.json").write_text(said.replace(str(index.facts.key), "7"))
        before = (place / "ends.bin").stat().st_ino
        ends.ends_of(index)
        assert (place / "ends.bin").stat().st_ino != before and str(index.facts.key) in (place / "manifest.json").read_text()
        with (place / "short.bin").open("ab") as file:
            file.write(b"1234")
        assert len(ends.ends_of(index).short) == index.pots and (place / "short.bin").stat().st_size == 4 * index.pots


def test_one_that_was_written_to_is_made_anew(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        with store.writer("import") as writer:
            writer.append("transfers", made.transfer_rows(made.random_transfers(5, 40, 10)))
            writer.commit()
        with numbered(store, "ethereum") as index:
            ends.ends_of(index)
            place = index.place
        files = [file for folder in (place, place.with_name(f"{place.name}.ends")) for file in folder.glob("*.bin")]
        assert len(files) > 12
        for file in files:
            damaged = bytearray(file.read_bytes())
            if damaged:
                damaged[len(damaged) // 2] ^= 1
                file.write_bytes(damaged)
                with numbered(store, "ethereum") as index:
                    ends.ends_of(index)
                assert file.read_bytes() != damaged, file


def test_amounts_past_its_format_are_refused_in_words(tmp_path: Path) -> None:
    rows = made.transfer_rows([replace(row, amount=2**97) for row in made.random_transfers(5, 60, 10)])
    with Store.create(tmp_path / "store") as store:
        with store.writer("import") as writer:
            writer.append("transfers", rows)
            writer.commit()
        with numbered(store, "ethereum") as index, pytest.raises(StoreError, match="2\\^96"):
            ends.ends_of(index)
