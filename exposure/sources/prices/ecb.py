"""The European Central Bank's reference rates: yen per dollar, from both per euro. Business days only."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, date, datetime

from exposure.errors import SourceError
from exposure.net.calls import Host
from exposure.net.http import Client, Reply, Request
from exposure.sources.prices import DAY, Priced

YEN_RATE = "fiat/usd"


def yen_rates(client: Client, host: Host, first: int, last: int) -> tuple[list[Priced], Reply]:
    """Yen per dollar on the business days from that of ``first`` to that of ``last`` (unix seconds).

    Raises
    ------
    SourceError
        If the reply is no table of rates.
    """
    asked: dict[str, str | int] = {"format": "csvdata"}
    asked |= {"startPeriod": _day(first), "endPeriod": _day(last)}
    reply = client.text(host, Request("EXR/D.USD+JPY.EUR.SP00.A", asked))
    if reply.status == 404:  # no business day between the two
        return [], reply
    if reply.status >= 400:
        client.fail(host, f"answered {reply.status} ({reply.excerpt}): try again later, or import rates from a file")
    rates: dict[str, dict[str, float]] = {}
    try:
        for row in csv.DictReader(io.StringIO(reply.text), strict=True):
            text = row["OBS_VALUE"] or ""
            if text:  # a day without a rate has none
                rates.setdefault(row["TIME_PERIOD"], {})[row["CURRENCY"]] = float(text)
        found = [
            Priced(YEN_RATE, _second(day), "jpy", told["JPY"] / told["USD"])
            for day, told in sorted(rates.items())
            if "JPY" in told and told.get("USD", 0.0) > 0
        ]
    except (KeyError, ValueError, TypeError, csv.Error):
        raise SourceError(f"{host.name} sent no table of rates ({reply.excerpt}): try again later") from None
    begin = first - first % DAY
    return [row for row in found if begin <= row.time <= last and math.isfinite(row.price) and row.price > 0], reply


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).date().isoformat()


def _second(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp())
