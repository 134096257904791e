"""The ``exposure`` command, also as ``python -m exposure``."""

import sys
from collections.abc import Sequence

from exposure.cli import main


class _NoPandas:
    """Says that pandas is not there: pyarrow and DuckDB would import it at the first array, half a second in every command.

    Frames belong to the library; no command uses them.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("commands do without pandas", name=name)


def run() -> None:
    """Run the command line in a process of its own."""
    sys.meta_path.insert(0, _NoPandas)
    main()


if __name__ == "__main__":
    run()
