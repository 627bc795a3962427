"""Stops that fill against the touch of the moment in which they are in the market.

Two stops stand at each market all the time, one on each side and a few ticks away, small and large in turns.
What they fill at is compared with the touch a latency after their trigger, which is looked up here and not
asked of the venue; and so is the peer: the whole order at its first triggering trade, made worse by a tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from adapters.simulator.config import DEFAULT_SEED
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import practice_open
from adapters.tapes.tape import Tape, open_tape
from bench.figures import table
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, Side
from engine.model.orders import Fill, OrderSpec, OrderType
from engine.venue.fill_model import FillModel
from engine.venue.venue import Venue
from tstream.run.virtual import DAY

HOURS = 6
AWAY = 6
"""Ticks between a stop and the trade at which it was placed."""
SIZES = (1, 2, 5, 10)
RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(eq=False)
class Stop:
    """A stop at the market. Prices in ticks, times in nanoseconds UTC."""

    side: Side
    price: int
    qty: int
    arrives: int
    trigger: int | None = None
    """The trade that set it off."""
    touch: int | None = None
    """What it would have traded against just then."""


@dataclass
class Against:
    """Contracts of stops, and how they compare with the touch a latency after their trigger."""

    stops: int = 0
    contracts: int = 0
    worse_ticks: int = 0
    better: int = 0
    better_than_before: int = 0
    """Than the touch at the trigger: the market came back within the latency."""
    peer_better: int = 0
    peer_most_ticks: int = 0


@dataclass(eq=False)
class Watch:
    """One instrument with its stops."""

    instrument: Instrument
    model: FillModel
    found: Against = field(default_factory=Against)

    def __post_init__(self) -> None:
        self._venue = Venue({self.instrument.symbol: self.instrument}, self.model)
        self._stops: dict[str, Stop] = {}
        self._placed = self._last = 0
        self._touch: dict[Side, int | None] = dict.fromkeys(Side)

    def play(self, events: Iterable[Quote | Print]) -> None:
        """Take the market in."""
        for event in events:
            if isinstance(event, Quote):
                self._take(self._venue.on_quote(event))
                self._touch = {Side.BUY: event.ask, Side.SELL: event.bid}
                continue
            self._take(self._venue.advance(event.ts_recv))
            for stop in self._stops.values():
                reached = (event.price - stop.price) * stop.side.sign >= 0
                if stop.trigger is None and reached and event.ts_recv >= stop.arrives:
                    stop.trigger, stop.touch = event.price, self._touch[stop.side]
            self._last = event.price
            self._take(self._venue.on_print(event))
            for side in Side:
                if not any(stop.side is side for stop in self._stops.values()):
                    self._place(side, event.price + AWAY * side.sign, event.ts_recv)

    def _place(self, side: Side, price: int, now: int) -> None:
        qty = SIZES[self._placed % len(SIZES)]
        self._placed += 1
        placed = self._venue.place(
            self.instrument.symbol, OrderSpec(side, OrderType.STOP, qty, stop=price), now
        )
        self._stops[placed.order.venue_id] = Stop(side, price, qty, now + self.model.latency_ns)

    def _take(self, told: Iterable[object]) -> None:
        for fill in told:
            if not isinstance(fill, Fill):
                continue
            stop, found, now = self._stops[fill.venue_order_id], self.found, self._touch[fill.side]
            sign = fill.side.sign
            found.contracts += fill.qty
            if now is not None:
                found.worse_ticks += (fill.price - now) * sign * fill.qty
                found.better += fill.qty * ((fill.price - now) * sign < 0)
                trigger = self._last if stop.trigger is None else stop.trigger  # it was through on arrival
                peer = ((trigger - now) * sign) + 1
                found.peer_better += fill.qty * (peer < 0)
                found.peer_most_ticks = max(found.peer_most_ticks, -peer)
            if stop.touch is not None:
                found.better_than_before += fill.qty * ((fill.price - stop.touch) * sign < 0)
            stop.qty -= fill.qty
            if not stop.qty:
                found.stops += 1
                del self._stops[fill.venue_order_id]


def generated() -> Iterator[tuple[str, Against]]:
    """Each contract of the generated market, over six hours from 08:25."""
    source = GeneratedMarket(DEFAULT_SEED, practice_open(DAY))
    watches = {i.symbol: Watch(i, FillModel()) for i in source.instruments}
    end = source.start_ts + HOURS * 60 * MINUTE
    for event in takewhile(lambda event: event.ts_recv < end, source.events()):
        watches[event.instrument].play((event,))
    yield from ((f"{symbol}, generated", watch.found) for symbol, watch in watches.items())


def recorded() -> Iterator[tuple[str, Against]]:
    """The recorded days, where they are."""
    for folder, symbol in (("gc_ticks", "GC"), ("es_minutes", "ES")):
        files = sorted((RECORDED / folder).glob("*_trade.zip"))
        tapes: list[Tape] = [open_tape(file, symbol) for file in files]
        watches = []
        for tape in tapes:
            watches.append(Watch(CME_FUTURES[symbol], FillModel(bar_ns=tape.bar_ns)))
            watches[-1].play(tape.events())
        if watches:
            yield (
                f"{symbol}, {len(files)} recorded days ({tapes[0].kind})",
                _sum(watch.found for watch in watches),
            )


def _sum(parts: Iterable[Against]) -> Against:
    whole = Against()
    for part in parts:
        for name, value in vars(part).items():
            most = name == "peer_most_ticks"
            setattr(whole, name, max(getattr(whole, name), value) if most else getattr(whole, name) + value)
    return whole


def row(market: str, found: Against) -> tuple[str, ...]:
    def share(count: int) -> str:
        return f"{100 * count / found.contracts:.1f} %" if found.contracts else "-"

    return (
        market,
        f"{found.stops:,}",
        f"{found.contracts:,}",
        f"{found.worse_ticks / max(1, found.contracts):+.2f}",
        share(found.better),
        share(found.better_than_before),
        share(found.peer_better),
        str(found.peer_most_ticks),
    )


def run() -> None:
    """Measure and print."""
    table(
        f"fills: stops against the touch when they are in the market; {FillModel()}",
        (
            "market",
            "stops",
            "contracts",
            "ticks worse",
            "better than it",
            "better than at the trigger",
            "filled at the trigger: better",
            "at most, ticks",
        ),
        [row(*found) for found in (*generated(), *recorded())],
    )
