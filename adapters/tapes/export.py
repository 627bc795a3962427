"""Bars to CSV, in the form that open_tape reads back with stamp "open"."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar


def write_bars(bars: Iterable[Bar], instrument: Instrument, out: TextIO) -> int:
    """Write a header and one row a bar: its open in ISO-8601 UTC, prices with the digits of the tick,
    volume with those of the lot.

    Gives the number of bars. Raises OSError as `out` does.
    """
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("time", "open", "high", "low", "close", "volume"))
    count = 0
    for bar in bars:
        count += 1
        opened = datetime.fromtimestamp(bar.open_ts // NANOS, tz=UTC)
        prices = map(instrument.text, (bar.open, bar.high, bar.low, bar.close))
        rows.writerow((f"{opened:%Y-%m-%dT%H:%M:%SZ}", *prices, instrument.qty_text(bar.volume)))
    return count
