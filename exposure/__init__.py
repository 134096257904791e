"""Indirect exposure of blockchain addresses to sanctioned and Russia-linked wallets, with every figure checkable.

``import exposure as ex`` costs nothing; the functions of `exposure.api` are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; at run time `__getattr__` below loads them on first use
    from exposure.api import (
        ExposureError,
        InputError,
        Result,
        ScreenResult,
        Store,
        add_tag,
        from_frame,
        from_graph,
        import_lists,
        ingest,
        rescore,
        screen,
        trace,
    )

    __version__: str

__all__ = [
    "ExposureError",
    "InputError",
    "Result",
    "ScreenResult",
    "Store",
    "__version__",
    "add_tag",
    "from_frame",
    "from_graph",
    "import_lists",
    "ingest",
    "rescore",
    "screen",
    "trace",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib import metadata

        try:
            return metadata.version("chain-exposure")
        except metadata.PackageNotFoundError:  # run from a folder that was never installed
            return "unknown"
    if name in __all__:
        from exposure import api

        return getattr(api, name)
    raise AttributeError(f"module 'exposure' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
