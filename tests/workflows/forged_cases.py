"""A case that somebody changed and whose hashes he made anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exposure.casefile import folder as case_folder


def forged(case: Path, out: Path, files: Mapping[str, bytes | None], manifest: Mapping[str, Any] | None = None) -> Path:
    """A copy in ``out`` with some files (None: left out) and keys of the manifest changed, and every hash made anew."""
    whole = case_folder.read(case)
    own = (case_folder.IDENTITY, case_folder.SIGNATURE)
    kept = {name: content for name, content in whole.files.items() if name not in own}
    for name in {case_folder.REPORT, case_folder.FACTS} & set(kept):
        kept[name] = kept[name].replace(whole.id.encode(), case_folder.NO_ID.encode())
    changed = {name: content for name, content in {**kept, **files}.items() if content is not None}
    said = {key: value for key, value in whole.manifest.items() if key not in ("files", "form")}
    case_folder.write(out, changed, {**said, **(manifest or {})})
    return out
