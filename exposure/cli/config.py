"""``exposure config``: what the settings are and where they came from."""

from __future__ import annotations

from pathlib import Path

import click

from exposure.cli.options import format_option, output_option, store_option


@click.group(no_args_is_help=True)
def config() -> None:
    """Settings: flag > environment > project file > user file > default."""


@config.command(epilog="\b\nExamples:\n  exposure config show\n  EXPOSURE_HOPS=3 exposure config show --format json")
@store_option
@format_option("table", "json")
@output_option
def show(store: Path | None, format_: str, output: Path | None) -> None:
    """Print every setting, its value and where it came from; keys are masked."""
    import json

    from exposure import config as settings
    from exposure.cli.output import emit
    from exposure.text import shown

    lines = settings.show(settings.load({"store": store}))
    if format_ == "json":
        emit(json.dumps([line._asdict() for line in lines], indent=2), output)
        return
    rows = [("setting", "value", "from"), *((line.name, shown(line.value), shown(line.source)) for line in lines)]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    emit("\n".join(f"{name:<{wide[0]}}  {value:<{wide[1]}}  {source}" for name, value, source in rows), output)
