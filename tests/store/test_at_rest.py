"""A store that may only be read is read from a copy of its catalogue, which is one moment's state, or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exposure.errors import StoreError
from exposure.store import at_rest, catalogue
from exposure.store.store import Store


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store in a folder that cannot be written to."""
    place = tmp_path / "store"
    Store.create(place).close()
    real: Callable[..., bool] = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: real(path, mode) and not (mode & os.W_OK and Path(path) == place))
    return place


def test_it_is_read_and_nothing_is_written_beside_it(made: Path) -> None:
    before = sorted(path.name for path in made.iterdir())
    with catalogue.connect(made) as connection:
        assert catalogue.current_version(connection) == 0
        assert sorted(path.name for path in made.iterdir()) == before
    connection.close()


def test_it_is_not_written_to(made: Path) -> None:
    connection = catalogue.connect(made, write=True)
    with pytest.raises(StoreError, match=r"cannot be written to here .* copy the folder"), catalogue.transaction(connection):
        catalogue.state_fact(connection, "synthetic", "yes")
    connection.close()


def test_with_changes_waiting_beside_it_it_is_not_read(made: Path) -> None:
    (made / f"{catalogue.FILE_NAME}-wal").write_bytes(b"")
    catalogue.connect(made).close()
    (made / f"{catalogue.FILE_NAME}-wal").write_bytes(b"changes")
    with pytest.raises(StoreError, match="not at rest"):
        catalogue.connect(made)


def test_a_copy_during_which_it_changed_is_made_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, copies = made / catalogue.FILE_NAME, []

    def copyfile(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes())
        if len(copies) < at_rest.TRIES - 1:
            os.utime(source, ns=(1, len(copies)))
        copies.append(target)

    monkeypatch.setattr(at_rest.shutil, "copyfile", copyfile)
    catalogue.connect(made).close()
    assert len(copies) == at_rest.TRIES
    copies.clear()
    monkeypatch.setattr(at_rest, "TRIES", 2)
    monkeypatch.setattr(at_rest.shutil, "copyfile", lambda source, target: (copyfile(source, target), os.utime(source)))
    with pytest.raises(StoreError, match="not at rest"):
        catalogue.connect(made)
    assert file.exists()


def test_a_store_that_has_to_be_brought_up_to_date_is_to_be_copied(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MIGRATIONS", (*catalogue.MIGRATIONS, "create table more (id integer);"))
    with pytest.raises(StoreError, match="cannot be written to here"):
        catalogue.connect(made)
