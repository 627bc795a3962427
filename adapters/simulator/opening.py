"""How the practice venue begins: which market, which day, and what an earlier run left."""

from __future__ import annotations

from typing import NamedTuple

from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.exchange import Storage
from adapters.simulator.exchange.store import Store
from adapters.simulator.market.contracts import Listing, listing
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import LEAD_NS, NANOS, chicago, next_open, practice_open, trade_date
from engine.ports import MarketSource

SAVE_EVERY_S = 1.0
"""How often the passing of time is kept, real seconds."""


class Opening(NamedTuple):
    source: MarketSource
    listing: Listing
    storage: Storage | None
    """None keeps nothing."""


def open_market(config: SimulatorConfig, real_ns: int) -> Opening:
    """Prepare what is played. `real_ns` is the wall clock, for the date of the very first start.

    Raises StateError.
    """
    store = None if config.state is None else Store(config.state)
    saved = None if store is None else store.load()
    today = chicago(real_ns).date()
    asked = config.since_ns or (0 if config.clock is None else config.clock.origin_ns)
    if saved is None:
        source = GeneratedMarket(config.seed, asked or early(next_open(None, today)), config.rate)
    else:
        unsaved = int(2 * SAVE_EVERY_S * saved.meta.speed * NANOS)
        resumed = saved.meta.now + unsaved
        start = max(resumed, asked or early(next_open(resumed, today)))
        source = GeneratedMarket(config.seed, start, config.rate, saved.past(start))
    storage = None if store is None else Storage(store, saved)
    return Opening(source, listed(source), storage)


def early(start: int) -> int:
    """Bring the opening of a day forward by the lead; a time within a day stays."""
    opens = start == practice_open(chicago(start).date())
    return start - LEAD_NS if opens else start


def listed(source: MarketSource, month: str | None = None) -> Listing:
    """The contracts of a source on its day; `month` ("201312") is the one that a tape holds."""
    months = {}
    if month is not None:
        months = {i.symbol: (int(month[:4]), int(month[4:])) for i in source.instruments}
    return listing(source.instruments, trade_date(source.start_ts), months)


def open_source(source: MarketSource, month: str | None = None) -> Opening:
    """Play a given market from its start, with fresh accounts: what was held in another one means nothing."""
    return Opening(source, listed(source, month), None)
