"""The practice venue's own process, with a counter at its door: what `tstream.run.practice_venue` is.

SIGUSR1 stops the market: nothing is sent any more. SIGUSR2 writes what was sent to the counts file. With a
number in BENCH_THIN the market lets one event of so many pass, until POUR lets all of them pass.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.simulator import opening, practice
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.wire.projectx.hubs import QUOTES, TRADES
from adapters.simulator.wire.projectx.market_stream import MarketPublisher
from bench.channels import COUNTS, THIN
from engine.model.events import Print, Quote
from tstream.run.practice_venue import main

POUR = signal.SIGALRM
"""Lets all events of the market pass; sent again, few as before."""


class Counts(Struct):
    """Market records that were sent to a subscriber since the start."""

    quotes: int = 0
    prints: int = 0
    stopped: bool = False
    one_of: int = 1
    """One event of so many passes."""


_counts = Counts(one_of=int(os.environ.get(THIN, "1")))


class CountingPublisher(MarketPublisher):
    """Counts what leaves. The records themselves are written by the venue's own code."""

    def on_quote(self, quote: Quote, now: int) -> None:
        super().on_quote(quote, now)
        _counts.quotes += self._hub.has_subscribers(self._topics[quote.instrument][QUOTES])

    def flush(self, now: int) -> None:
        if self._prints and self._hub.has_subscribers(self._topics[self._prints[0].instrument][TRADES]):
            _counts.prints += len(self._prints)
        super().flush(now)


class StoppableMarket(GeneratedMarket):
    """The generated market, which ends when told to, and may be thinner than it is."""

    def events(self) -> Iterator[Quote | Print]:
        for count, event in enumerate(super().events()):
            if _counts.stopped:
                return
            if count % _counts.one_of == 0:
                yield event


def _write(*_: object) -> None:
    file = Path(os.environ[COUNTS])
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(_counts))
    fresh.replace(file)


def _stop(*_: object) -> None:
    _counts.stopped = True


def _pour(*_: object) -> None:
    _counts.one_of = 1 if _counts.one_of > 1 else int(os.environ.get(THIN, "1"))


if __name__ == "__main__":
    setattr(practice, "MarketPublisher", CountingPublisher)  # noqa: B010
    setattr(opening, "GeneratedMarket", StoppableMarket)  # noqa: B010
    signal.signal(signal.SIGUSR1, _stop)
    signal.signal(signal.SIGUSR2, _write)
    signal.signal(POUR, _pour)
    sys.exit(main())
