"""A replay of ten minutes that stands still until it is told, with the records of the play that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

from engine.core import Core
from engine.lab.replay import Replay
from engine.model.commands import AnyCommand, Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import NANOS
from engine.model.notices import Notice
from engine.model.playing import PlayWish, SeekPlay
from engine.model.questions import Question, Reply
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


class ReplayDesk:
    """What a person has in front of them."""

    def __init__(self, speed: float | None = None, since: int = 0) -> None:
        self.records: list[bytes] = []
        self.begun = 0
        self.replay = PacedReplay(self.begin, speed, since=since, span=(T0, END))

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

    async def look_up(self, question: Question) -> Reply:
        return await asyncio.wrap_future(self.replay.look_up(question))

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
async def held() -> AsyncIterator[ReplayDesk]:
    """One that stands at its beginning."""
    desk = ReplayDesk()
    main = asyncio.create_task(desk.replay.main())
    await asyncio.sleep(0)
    await desk.to(0)
    try:
        yield desk
    finally:
        desk.replay.ask(Shutdown(id="end"))
        await main
