"""A replay's time as people ask for it, and trades by hand in it: nothing here waits for a real clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from hashlib import sha256

import pytest

from engine.core import Core
from engine.lab.replay import BOOK, Replay
from engine.model.commands import AnyCommand, Flatten, PlaceManual, Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.errors import RefusedError
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side, Timeframe
from engine.model.notices import Notice
from engine.model.playing import Advance, HoldPlay, PlayWish, SeekPlay, SetPace, StepPlay, next_pace
from engine.model.records import AnyRecord, encode
from engine.model.view import View
from engine.runtime.paced_replay import PacedReplay, Play
from engine.venue.fill_model import FillModel
from engine.venue.paper import CAPABILITIES
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy

MES = CME_FUTURES["MES"]
END = T0 + 600 * NANOS


def market() -> Iterator[Print]:
    """A trade each two seconds that goes up and down by 30 ticks."""
    for second in range(0, 600, 2):
        ts, way = T0 + second * NANOS, abs(second % 240 - 120) // 4
        yield Print(ts_recv=ts, ts_venue=ts, instrument="MES", price=20_000 + way, size=50)


class Desk:
    """A replay that stands still until it is told, with the records of the play that goes on."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.begun = 0
        self.replay = PacedReplay(self.begin, None, span=(T0, END))

    def begin(self) -> Play:
        kept: list[bytes] = []
        self.records = kept
        self.begun += 1
        book = BookConfig(risk=RiskLimits(), capabilities=CAPABILITIES)
        config = EngineConfig(
            instruments=(MES,), venue="replay", install="tape", boot=1, trading=TradingSwitch.LIVE,
            practice_time=True, bar_grace_ns=0, templates=(book,),
        )  # fmt: skip
        core = Core(config, ScriptedStrategy(()))

        def keep(records: Sequence[AnyRecord]) -> None:
            kept.extend(map(encode, records))

        replay = Replay(core, {"MES": MES}, FillModel(), keep)
        return Play(core, replay, replay.stepwise(T0, lambda _: (), market()))

    @property
    def view(self) -> View:
        return self.replay.view()

    @property
    def hash(self) -> str:
        return sha256(b"\n".join(self.records)).hexdigest()

    async def ask(self, command: AnyCommand) -> Notice:
        return await asyncio.wrap_future(self.replay.ask(command))

    async def wish(self, wish: PlayWish, settled: str = "paused") -> View:
        """Ask something of time, and let it come about."""
        self.replay.control(wish)
        for turn in range(100_000):
            await asyncio.sleep(0)
            if turn > 2 and self.view.replay.startswith(settled):
                return self.view
        raise AssertionError(f"still {self.view.replay}, not {settled}")

    async def to(self, seconds: float) -> View:
        return await self.wish(SeekPlay(T0 + int(seconds * NANOS)))


@asynccontextmanager
async def held() -> AsyncIterator[Desk]:
    desk = Desk()
    desk.replay.control(HoldPlay(paused=True))  # before it runs nothing hears it
    main = asyncio.create_task(desk.replay.main())
    await asyncio.sleep(0)
    await desk.to(0)
    try:
        yield desk
    finally:
        desk.replay.ask(Shutdown(id="end"))
        await main


BUY = PlaceManual(
    id="k1", instrument="MES", side=Side.BUY, book=BOOK, qty=2, stop_ticks=40, target_ticks=(80,)
)
AWAY = Flatten(id="k2", instrument="MES")


async def by_hand(desk: Desk) -> tuple[str, View]:
    """Buy at 100.5 s, leave at 200.25 s."""
    await desk.to(100.5)
    assert (said := await desk.ask(BUY)).done, said.text
    assert not desk.view.positions, "time stands still, and so does the order"
    filled = await desk.to(103)
    assert [(p.qty, p.protected_qty) for p in filled.positions] == [(2, 2)]
    await desk.to(200.25)
    await desk.ask(AWAY)
    flat = await desk.to(210)
    assert not flat.positions
    return desk.hash, flat


async def test_the_same_keys_at_the_same_times_write_the_same_journal_however_one_gets_there() -> None:
    async with held() as desk:
        first, flat = await by_hand(desk)
        (trade,) = flat.trades
        assert trade.net_usd == trade.gross_usd - trade.costs_usd != Decimal(0)
        begun = desk.begun
        # Back to between the two: what was bought then is held again, and what came after is not.
        again = await desk.to(150)
        assert (desk.begun, [p.qty for p in again.positions], again.trades) == (begun + 1, [2], ())
        assert again.version > flat.version
        assert again.playing is not None
        assert again.playing.run == begun
        for seconds in (150.5, 170, 200.25):
            await desk.to(seconds)
        await desk.ask(AWAY)
        await desk.to(210)
        assert desk.hash == first
        # Before both: as if nothing had been commanded; and once more the same by hand.
        assert not (await desk.to(50)).positions
        assert (await by_hand(desk))[0] == first
    async with held() as other:
        assert (await by_hand(other))[0] == first


async def test_time_is_stepped_print_by_print_and_bar_by_bar() -> None:
    async with held() as desk:
        start = await desk.to(61)
        prints = start.health.prints
        one = await desk.wish(StepPlay(Advance.PRINT))
        assert (one.ts, one.health.prints) == (T0 + 62 * NANOS, prints + 1)
        bar = await desk.wish(StepPlay(Advance.BAR, "MES", Timeframe.M1))
        assert bar.ts == T0 + 2 * MINUTE
        chart = desk.replay.chart("MES", Timeframe.M1)
        assert chart is not None
        assert chart.bars[-1].open_ts == T0 + MINUTE
        five = await desk.wish(StepPlay(Advance.BAR, "MES", Timeframe.M5))
        assert five.ts == T0 + 5 * MINUTE


async def test_it_goes_on_at_another_pace_and_stays_at_its_end_from_where_one_can_go_back() -> None:
    async with held() as desk:
        await desk.wish(SetPace(faster=False), "paused ×500")
        await desk.wish(SetPace(faster=True), "paused max")
        ended = await desk.wish(HoldPlay(paused=False), "ended")
        assert ended.health.prints == 300
        with pytest.raises(RefusedError, match="the recording has ended"):
            await desk.ask(BUY)
        back = await desk.to(300)
        assert back.ts == T0 + 300 * NANOS
        assert (said := await desk.ask(BUY)).done, said.text


@pytest.mark.parametrize(
    ("speed", "faster", "slower"),
    [(1.0, 2.0, 0.5), (0.5, 1.0, 0.5), (8.0, 10.0, 5.0), (500.0, None, 100.0), (None, None, 500.0)],
)
def test_paces(speed: float | None, faster: float | None, slower: float) -> None:
    assert (next_pace(speed, faster=True), next_pace(speed, faster=False)) == (faster, slower)
