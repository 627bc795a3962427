"""Small markets that Yahoo's twin tells, and a feed that listens to it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.simulator.market.scripted import ManualClock, ScriptedMarket
from adapters.simulator.yahoo.twin import YahooTwin
from adapters.yahoo.config import Polling, YahooConfig
from adapters.yahoo.venue import YahooVenue
from engine.model.events import AnyEvent, BarReported, LinkChanged, LinkState, Print
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from tests.support.instruments import SHARE

NQ = CME_FUTURES["NQ"]
START = 1_764_000_000 * NANOS
"""A Monday, 16:00 UTC, at a full minute."""
QUICK = Polling(
    every_s=0.005,
    apart_s=0.0,
    settle_s=0.0,
    read_s=2.0,
    limited_first_s=0.02,
    limited_cap_s=0.04,
    failed_first_s=0.005,
    failed_cap_s=0.01,
)


def trade(ts: int, price: int, size: int = 1, instrument: Instrument = NQ) -> Print:
    return Print(ts_recv=ts, ts_venue=ts, instrument=instrument.symbol, price=price, size=size)


def walk(seed: int, minutes: int, instrument: Instrument = NQ, start: int = START) -> list[Print]:
    """Trades every few seconds; some minutes have none."""
    rng = random.Random(seed)
    price, found = 80_000, []
    for minute in range(minutes):
        if rng.random() < 0.1:
            continue
        for second in sorted(rng.sample(range(60), rng.randint(1, 6))):
            price += rng.randint(-8, 8)
            found.append(
                trade(start + minute * MINUTE + second * NANOS, price, rng.randint(1, 9), instrument)
            )
    return found


def minutes_of(trades: Sequence[Print]) -> dict[int, Bar]:
    """The minutes that are made of them, by open time, counted anew here."""
    groups: dict[int, list[Print]] = {}
    for one in trades:
        groups.setdefault(one.ts_venue - one.ts_venue % MINUTE, []).append(one)
    return {
        ts: Bar(
            group[0].instrument,
            Timeframe.M1,
            ts,
            group[0].price,
            max(one.price for one in group),
            min(one.price for one in group),
            group[-1].price,
            sum(one.size for one in group),
        )
        for ts, group in groups.items()
    }


@dataclass
class Heard:
    """What a sink was told."""

    events: list[AnyEvent] = field(default_factory=list)

    def __call__(self, event: AnyEvent) -> None:
        self.events.append(event)

    @property
    def bars(self) -> list[Bar]:
        return [event.bar for event in self.events if isinstance(event, BarReported)]

    @property
    def state(self) -> LinkState | None:
        """Of the link, as it was told last."""
        return self.links[-1].state if self.links else None

    @property
    def links(self) -> list[LinkChanged]:
        return [event for event in self.events if isinstance(event, LinkChanged)]


@dataclass
class Stand:
    twin: YahooTwin
    venue: YahooVenue
    clock: ManualClock
    heard: Heard = field(default_factory=Heard)


@asynccontextmanager
async def stand(
    trades: Sequence[Print],
    *,
    delay_ns: int = 0,
    start: int = START,
    instruments: Sequence[Instrument] = (NQ,),
    polling: Polling = QUICK,
    names: dict[str, str] | None = None,
) -> AsyncIterator[Stand]:
    """A twin that tells these trades, and a venue that asks it; time is moved by hand."""
    clock = ManualClock(start)
    known = {one.symbol: one for one in instruments}
    config = YahooConfig(instruments=known, symbols=names or {}, polling=polling)
    listed = {one.symbol: config.name_of(one) for one in instruments}
    market = ScriptedMarket(instruments, start, trades)
    async with YahooTwin(market, clock, listed, delay_ns=delay_ns) as twin:
        config = YahooConfig(
            instruments=known,
            symbols=names or {},
            polling=polling,
            hosts=(twin.url,),
            cookie_url=f"{twin.url}/",
        )
        venue = YahooVenue(config, clock, rng=random.Random(1))
        try:
            yield Stand(twin, venue, clock)
        finally:
            await venue.close()


__all__ = ["NQ", "QUICK", "SHARE", "START", "Heard", "Stand", "minutes_of", "stand", "trade", "walk"]
