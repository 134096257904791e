"""docs/tags.md says what the code does: every column, category, concept, level, form and command is in it."""

import re
from pathlib import Path

from exposure.attribution.lists import FORMS
from exposure.attribution.lists.own import COLUMNS
from exposure.attribution.lists.tagpack import CATEGORIES, CONFIDENCE
from exposure.cli.tags import tags
from exposure.model.labels import DEFAULT_ROLES, Role

TEXT = (Path(__file__).parent.parent.parent / "docs/tags.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("|")]


def test_every_column_form_concept_and_command_is_named() -> None:
    assert not [name for name in COLUMNS if f"`{name}`" not in TEXT]
    assert not [name for name in FORMS if f"`{name}`" not in TEXT]
    assert not [name for name in tags.commands if f"exposure tags {name}" not in TEXT]
    assert not [name for name in CONFIDENCE if not re.search(rf"\b{name}\b", TEXT)]


def test_each_concept_stands_in_the_row_of_its_category() -> None:
    wrong = [
        concept
        for concept, category in CATEGORIES.items()
        if not any(re.search(rf"\b{concept}\b", row.split("|")[1]) and f"`{category}`" in row for row in ROWS)
    ]
    assert not wrong


def test_each_category_stands_in_the_row_of_its_role() -> None:
    words = {Role.SEED: "seed:", Role.BOUNDARY: "boundary:", Role.PASS_THROUGH: "passed through", Role.NONE: "none"}
    wrong = [
        category
        for category, role in DEFAULT_ROLES.items()
        if not any(f"`{category}`" in row and words[role] in row for row in ROWS)
    ]
    assert not wrong
