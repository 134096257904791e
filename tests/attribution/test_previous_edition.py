"""Whatever comes after a good edition of any form, that edition and what follows from it stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_lists import WHOLE

from exposure.errors import AttributionError
from exposure.model.tags import EditionState
from exposure.store import holdings
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.workflows.labels import snapshot
from exposure.workflows.tags import ImportOptions, import_lists

DAY = 1_767_225_600
BAD = {
    "empty": lambda content: b"",
    "whitespace": lambda content: b" \n" * 40_000,
    "cut to a half": lambda content: content[: len(content) // 2],
    "cut to a third": lambda content: content[: len(content) // 3],
    "cut near its end": lambda content: content[:-7],
    "a web page": lambda content: b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please wait</body></html>",
    "an entity bomb": lambda content: b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + content,
    "an outside entity": lambda content: b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><export>&a;</export>',
    "another encoding": lambda content: "住所,名前\n東京都,架空\n".encode("cp932"),
    "null bytes": lambda content: content.replace(b"\n", b"\0"),
    "half of it twice": lambda content: content[: len(content) // 2] * 2,
    "no list at all": lambda content: b'{"error": "rate limited"}',
    "an archive cut off": lambda content: b"\x1f\x8b\x08\x00" + content[:20],
}


WHOLE_ALL_THE_SAME = {
    ("uk-csv", "cut near its end"),  # the last words of a statement of reasons: no cell is missing
    ("uk-csv", "an entity bomb"),  # text before the header, as official files have it
    ("japan", "an entity bomb"),  # an archive is read from its end
    ("israel", "cut near its end"),  # the last digits of an account number
}
"""Nothing that counts is gone from these: the edition counts, and says the same."""


@pytest.mark.parametrize("form", WHOLE)
def test_a_bad_file_changes_nothing_of_what_stands(tmp_path: Path, form: str) -> None:
    path = tmp_path / "list"
    with Store.create(tmp_path / "store") as store:
        path.write_bytes(WHOLE[form])
        import_lists(store, [path], ImportOptions(form=form, published=DAY), now=DAY)

        def standing() -> tuple[object, ...]:
            connection = store.connection
            kept = stored.editions(connection, accepted=True)
            said = [(one.tag, one.editions) for one in stored.statements(connection)]
            return kept, said, holdings.holdings(connection), snapshot(store, as_of=2 * DAY).labels.digest

        before = standing()
        refused = 0
        for name, change in BAD.items():
            path.write_bytes(change(WHOLE[form]))
            try:
                (imported,) = import_lists(store, [path], ImportOptions(form=form, published=DAY), now=DAY + 86_400)
            except AttributionError as error:
                refused += 1
                assert str(error).strip() and len(str(error)) < 600, name
            else:
                if (form, name) in WHOLE_ALL_THE_SAME:
                    assert standing()[-1] == before[-1], name
                    before = standing()
                    continue
                # Text that is cut at a line is a whole, shorter list: nobody can tell, so it waits until somebody looks.
                assert imported.edition.state is EditionState.HELD and imported.edition.reason, name
            assert standing() == before, name
        assert refused > len(BAD) // 2
