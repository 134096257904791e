"""Every parser under changed files for as long as one likes: read, or refused with a sentence, in bounded time.

    python tests/attribution/fuzz_lists.py --minutes 10              each form for ten minutes
    python tests/attribution/fuzz_lists.py --minutes 1 --form eu     one of them

A file of each form is cut, spliced, repeated and filled with what parsers trip over; a workbook is changed inside its archive.
Minutes are of processor time. Examples are drawn by hypothesis, new ones at every run; one that fails is shrunk and printed.
With `--seed N` the run begins with the same ones each time, so that a gate does not fail by chance. `test_list_fuzz` runs the
same for some examples of each form with the other tests.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
import traceback
import zipfile
from dataclasses import asdict
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import hypothesis
from fictional_forms import eu_xml, ftm_lines, israel_csv, japan_rows, sdn_xml, uk_csv, uk_xml, un_xml, workbook_bytes
from fictional_lists import FICTION, PRETEND, btc, eth, ofac_xml, trx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.attribution.free_text import read_checked
from exposure.attribution.lists import FORMS, read_list
from exposure.errors import AttributionError
from exposure.model.tags import MAX_TEXT, SubjectKind

SLOW = 20.0
"""Seconds of processor time for one small file beyond which it counts as a hang."""

HEAD = "title: x\ncreator: y\nlastmod: 2022-01-01\ncategory: exchange\n"
PACK = f"{HEAD}tags:\n- address: {btc('a')}\n  label: A\n- address: {eth('b')}\n"
OWN = (
    f"address,entity,category,confidence,regime,listed_on\n{btc('a')},A,sanctioned,90,US,2022-01-01\n{eth('b')},B,exchange,,,\n"
)


def ftm_object(schema: str, number: str, **properties: list[str]) -> str:
    return json.dumps({"id": number, "schema": schema, "caption": number, "properties": properties})


WHOLE = {
    "ofac": ofac_xml("2022-06-01", [FICTION, PRETEND]).encode(),
    "ofac-simple": sdn_xml([("XBT", btc("a"))]).encode(),
    "uk": uk_xml().encode(),
    "uk-csv": uk_csv().encode(),
    "eu": eu_xml().encode(),
    "un": un_xml().encode(),
    "japan": workbook_bytes({"架空": japan_rows()}),
    "israel": israel_csv([trx("a")]).encode(),
    "opensanctions": ftm_lines(trx("a")).encode(),
    "opensanctions-holdings": "\n".join(
        [
            ftm_object("Ownership", "o", owner=["a"], asset=["b"], percentage=["60%"], startDate=["2020-01-01"]),
            ftm_object("Directorship", "d", director=["a"], organization=["c"]),
            ftm_object("Company", "a", name=["A"]),
            ftm_object("Sanction", "s", entity=["a"], country=["us"], startDate=["2022-02-24"]),
        ]
    ).encode(),
    "holdings": b"owner,owned,share,from,to,source,regime,listed_on\nA,B,60,2020-01-01,,register,US,2022-02-24\nB,C,50,,,,,\n",
    "tagpack": PACK.encode(),
    "csv": OWN.encode(),
}
"""A whole file of each form."""

FREE_TEXT = frozenset({"uk", "uk-csv", "eu", "un", "japan", "israel"})

TRIPS = (
    [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b"\r", b"\n" * 9, b" " * 70_000, b"&#0;", b"&#x110000;", b"&amp;"]
    + [b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x ?>", b"<a xmlns:b='c'>", b"</", b"/>"]
    + [
        b"*a &a",
        b"!!python/object",
        b"- - - -",
        b"{" * 500,
        b"[" * 500,
        b"1" * 5_000,
        b"-1e999",
        b"NaN",
        b"\\ud800",
        b"\xed\xa0\x80",
    ]
    + [b"9999-99-99", b"31/02/2025", b"0x" + b"a" * 40, b"T" * 34, "令和99年99月99日".encode(), "暗号資産".encode("cp932")]
)


@st.composite
def changed(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with some stretches of it taken out, repeated, moved, or filled with something else."""
    content = whole
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 200)))
        put = draw(
            st.one_of(
                st.binary(max_size=30),
                st.sampled_from(TRIPS),
                st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
                st.just(content[start:end] * draw(st.integers(2, 4))),
            )
        )
        content = content[:start] + put + content[end:]
    return content


@st.composite
def changed_workbook(draw: st.DrawFn) -> bytes:
    """A workbook with one file of its archive changed, or its bytes."""
    whole = WHOLE["japan"]
    if draw(st.integers(0, 3)) == 0:
        return draw(changed(whole))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw(st.sampled_from(sorted(parts)))
    parts[name] = draw(changed(parts[name]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, content in parts.items():
            archive.writestr(one, content)
    return out.getvalue()


def files_of(form: str) -> st.SearchStrategy[bytes]:
    """Files of a form, changed."""
    return changed_workbook() if form == "japan" else changed(WHOLE[form])


def is_read_or_refused(path: Path, content: bytes, form: str) -> bool:
    """Whether the content was read; refused it has to be with a sentence that names the file. Both in bounded time."""
    path.write_bytes(content)
    read = False
    for asked in (form, "auto"):
        began = time.process_time()
        try:
            parsed = read_list(path, form=asked).parsed
        except AttributionError as error:
            assert str(error).startswith(path.name)
        else:
            read = True
            for tag in parsed.tags:
                assert tag.subject and len(tag.note) <= MAX_TEXT
                if asked in FREE_TEXT and tag.kind is SubjectKind.ADDRESS:
                    assert read_checked(tag.subject) is not None, "an address without its checksum"
                # Whatever was read is stored as UTF-8.
                json.dumps(asdict(tag), ensure_ascii=False, default=str).encode()
        assert time.process_time() - began < SLOW, f"{asked} took {time.process_time() - began:.0f} s"
    return read


def fuzz(form: str, seconds: float, seed: int | None = None) -> tuple[int, int]:
    """Draw files of a form for so long: (examples, those that were read)."""
    until, counts = time.process_time() + seconds, [0, 0]
    seeds = count(seed) if seed is not None else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"

        @settings(max_examples=500, deadline=None, database=None, derandomize=False, suppress_health_check=list(HealthCheck))
        @given(content=files_of(form))
        def one(content: bytes) -> None:
            if time.process_time() < until:
                counts[0] += 1
                counts[1] += is_read_or_refused(path, content, form)

        while time.process_time() < until:
            (hypothesis.seed(next(seeds))(one) if seeds else one)()
    return counts[0], counts[1]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes for each form")
    parser.add_argument("--seed", type=int, help="begin with the same examples each time")
    parser.add_argument("--form", choices=list(FORMS), action="append", help="only this form (repeatable)")
    given_ = parser.parse_args()
    hypothesis.settings.load_profile("default")
    failed = False
    for form in given_.form or FORMS:
        try:
            examples, read = fuzz(form, given_.minutes * 60, given_.seed)
        except Exception:  # noqa: BLE001  # whatever it is: the other forms are looked at all the same
            traceback.print_exc()
            failed = True
            continue
        sys.stdout.write(f"{form:<22} {given_.minutes:g} min  {examples:>8,} files  {read:>8,} read  none failed\n")
        sys.stdout.flush()
    sys.exit(failed)


if __name__ == "__main__":
    main()
