"""Every venue's twin at ten times its pace, an engine on it, and connections that are cut or end with their
session seventeen times: nothing of orders, fills, money and minutes is missed or doubled.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import ClassVar

from adapters.simulator.twins.config import TwinConfig
from adapters.simulator.twins.twin import Twin
from adapters.simulator.twins.wire import TwinWire
from adapters.simulator.wire.binance.wire import BinanceWire
from adapters.simulator.wire.kraken import access as kraken
from engine.model.commands import Flatten, Resume
from engine.model.events import LinkState
from engine.model.instrument import InstrumentKind
from engine.model.market import MINUTE, Bar, Timeframe
from tests.acceptance.runs import EngineRun, engine_on
from tests.acceptance.venue_under_test import TwinUnderTest
from tests.acceptance.venues import WORTH, making
from tests.support.waits import until
from tstream.venues.known import kind
from tstream.venues.twin import WireTwin

PACE, CUTS = 10.0, 17
TRIES = 60
"""To enter, half a second apart."""
ROUND_S = 6.0
"""A trade that has not ended by then is flattened, real seconds."""
WHOLE_S = 12.0
"""So long after the last cut the minutes are looked at: they come by query."""
ENDS = ("reset", "drop", "drop", "maintenance")
CODES = (1000, 1001, 1011, 1012)


class DayInMinutes(BinanceWire):
    """A connection's day of 24 hours is over after four minutes of practice time."""

    LIFE_S: ClassVar[float] = 240.0


@contextmanager
def brief_sessions() -> Iterator[None]:
    """Tokens of Kraken's streams are good for a minute instead of fifteen."""
    before, kraken.LIFE_S = kraken.LIFE_S, 60
    try:
        yield
    finally:
        kraken.LIFE_S = before


@dataclass
class DropsTally:
    """What came to pass at one venue."""

    cuts: Counter[str] = field(default_factory=Counter)
    trades: int = 0
    fills: int = 0
    minutes: int = 0
    marked: int = 0
    """Minutes among them that say that they are not whole."""
    downs: int = 0
    """How often the engine was told that a link is down."""


class Fast(TwinUnderTest):
    """Its market goes by itself."""

    def market(self, price: int, size: int | None = None) -> None:
        """Nothing: it is generated."""


@asynccontextmanager
async def at_pace(name: str, seed: int) -> AsyncIterator[Fast]:
    known = kind(name)
    practice = known.practice
    assert isinstance(practice, WireTwin)
    wire: type[TwinWire] = practice.wire()
    if issubclass(wire, BinanceWire):
        wire = DayInMinutes
    instrument = next(iter(known.instruments.values()))
    config = TwinConfig((instrument,), seed=seed, speed=PACE)
    with brief_sessions():
        async with Twin(wire, config) as twin:
            [last] = await until(lambda: twin.exchange.bars(instrument.symbol, 0, twin.now())[-1:])
            qty = 2 * max(1, int(WORTH / instrument.notional(last.close) / 2))
            yield Fast(twin, twin.now, making(name, PACE), last.close, qty, name)


async def trade_through_drops(name: str, seed: int, folder: Path, cuts: int = CUTS) -> DropsTally:
    """Trades whose connections are cut while they are open. Raises AssertionError."""
    rng, tally = Random(f"{seed}:{name}"), DropsTally()
    async with at_pace(name, seed) as venue:
        twin = venue.twin
        money, began = twin.account.holdings.money, twin.now()
        async with engine_on(venue, folder, PACE) as run:
            for _ in range(cuts):
                await _trade(run, rng, tally)
            twin.faults.clear()
            await until(lambda: _live(run), 60)
            await asyncio.sleep(WHOLE_S)
            await until(lambda: _over(run, tally), 60)
            _same_minutes(run, venue, began, tally)
            _same_fills(run, venue, money, tally)
    return tally


def _live(run: EngineRun) -> bool:
    book = run.core.books[run.venue.name]
    return run.core.links.up(run.venue.name, book.spec.needs, run.venue.name, run.venue.name)


def _over(run: EngineRun, tally: DropsTally) -> bool:
    """Both sides have neither position nor order. A fee in coins leaves less than a lot after each trade."""
    venue, live = run.venue, run.book.live_orders(run.venue.symbol)
    left = tally.cuts.total() if venue.instrument.fee_in_base else 0
    return not (run.qty() or live or venue.working()) and 0 <= venue.held() <= left


async def _trade(run: EngineRun, rng: Random, tally: DropsTally) -> None:
    """Buy, cut while it is open, and see it end."""
    venue = run.venue
    await _bought(run, rng)
    await asyncio.sleep(rng.uniform(0, 0.6))
    how = rng.choice(ENDS)
    tally.cuts[how] += 1
    if how == "drop":
        venue.fault("drop", code=rng.choice(CODES))
    elif how == "maintenance":
        venue.fault("maintenance", seconds=1.0)
    else:
        venue.fault(how)
    try:
        await until(lambda: _over(run, tally), ROUND_S)
    except TimeoutError:
        await run.say(Flatten(id=f"end-{tally.cuts.total()}", source="cli"))
        await until(lambda: _over(run, tally), 90)
        await run.say(Resume(id=f"on-{tally.cuts.total()}", source="cli"))


async def _bought(run: EngineRun, rng: Random) -> None:
    """Prints that came late, by query, are told as such for a minute: meanwhile nothing is entered."""
    symbol, refused = run.venue.symbol, ""
    for _ in range(TRIES):
        await until(run.ready, 60)
        bid = run.core.marks.bid(symbol)
        assert bid is not None
        far = max(20, bid // rng.choice((1_000, 1_500, 2_500)))
        try:
            await run.buy(stop=bid - far, target=bid + 2 * far)
        except AssertionError as error:
            refused = str(error)
            await asyncio.sleep(0.5)
        else:
            return
    raise AssertionError(refused)


def _same_minutes(run: EngineRun, venue: Fast, began: int, tally: DropsTally) -> None:
    """Each closed minute stands once in the engine's bars, as the venue has it. One that was told while a
    link was down is marked, and has a part of what was traded, never more.
    """
    first, last = began // MINUTE * MINUTE + MINUTE, (venue.twin.now() // MINUTE - 1) * MINUTE
    ours = [
        bar for bar in run.core.market.bars.bars(venue.symbol, Timeframe.M1) if first <= bar.open_ts < last
    ]
    theirs = venue.twin.exchange.bars(venue.symbol, first, last)
    assert [bar.open_ts for bar in ours] == [bar.open_ts for bar in theirs], "a minute is missing, or twice"
    for mine, told in zip(ours, theirs, strict=True):
        if mine.gap:
            tally.marked += 1
            within = told.low <= mine.low <= mine.high <= told.high and mine.volume <= told.volume
            assert within, f"{mine} is {told} at the venue"
        else:
            assert _figures(mine) == _figures(told), f"{mine} is {told} at the venue"
    tally.minutes = len(ours)


def _figures(bar: Bar) -> tuple[int, ...]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume


def _same_fills(run: EngineRun, venue: Fast, money: Decimal, tally: DropsTally) -> None:
    """Lots and money of all fills, by the venue's own books and by the journal's."""
    told = Counter[str]()
    for one in venue.twin.account.fills:
        told[one.fill.side] += one.fill.qty
    ours = Counter[str]()
    for order in run.book.orders.values():
        ours[order.side] += order.filled_qty
    assert ours == told, f"the venue filled {told}, we took {ours}"
    if venue.instrument.kind is not InstrumentKind.SPOT:
        won = sum((trade.net_usd for trade in run.book.trades), Decimal(0))
        made = venue.twin.account.holdings.money - money
        assert abs(won - made) < Decimal("0.01"), f"the venue counts {made}, we {won}"
    tally.fills, tally.trades = len(venue.twin.account.fills), len(run.book.trades)
    tally.downs = sum(one.state is LinkState.DOWN for one in run.links)
