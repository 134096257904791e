"""What must not be in the repository: places of one machine, hosts to install from, other people's data, secrets."""

import re

from repository import ROOT, files, texts

# Written so that the patterns do not match themselves.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.}*~])/(?:root|home|work|Users)/(?=\w)"),
    "a host to install packages from": re.compile(
        r"py[p]i\.\w|pythonhoste[d]|registr[y]\.\w+\.\w|--(?:extra-)?index-url|npmj[s]"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
}
LARGEST = 1024 * 1024


def test_nothing_forbidden_is_committed():
    found = [
        f"{path}:{content[: match.start()].count(chr(10)) + 1}: {what}: {match.group()}"
        for path, content in texts()
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(content)
    ]
    assert not found


def test_every_document_that_is_mentioned_exists():
    names = {path.name for path in files()}
    missing = [
        (path, name)
        for path, content in texts()
        if path.startswith(("exposure/", "docs/", "tests/")) or "/" not in path
        for name in re.findall(r"\b[\w-]+\.md\b", content)
        if name not in names
    ]
    assert not missing


def test_links_between_documents_lead_somewhere():
    broken = []
    for path, content in texts():
        if path.endswith(".md"):
            for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", content):
                if not ((ROOT / path).parent / target).exists():
                    broken.append((path, target))
    assert not broken


def test_nothing_large_is_committed():
    assert not [path for path in files() if path.stat().st_size > LARGEST]


def test_text_ends_with_a_line_and_has_no_carriage_returns():
    wrong = [path for path, content in texts() if content and (not content.endswith("\n") or "\r" in content)]
    assert not [path for path in wrong if not path.startswith("fixtures/")]
