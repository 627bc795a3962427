"""What the doors of a run share: the access log, whose news are notices of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from adapters.control.access import AccessLog, Door, Visitor
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.events import SecurityTold
from engine.model.market import Timeframe
from engine.model.notices import Notice, Severity
from engine.model.questions import Question, Reply
from engine.model.view import View
from engine.ports import Clock, EngineHandle
from engine.runtime.engine import Engine
from tstream.clock import wall_ns
from tstream.paths import Paths


class CommandsWritten:
    """An engine as a door holds it that writes down no commands itself: they stand in the access log."""

    def __init__(self, engine: EngineHandle, access: AccessLog, who: Visitor) -> None:
        self._engine, self._access, self._who = engine, access, who

    def view(self) -> View:
        return self._engine.view()

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return self._engine.chart(instrument, timeframe)

    def depth(self, instrument: str) -> DepthView | None:
        return self._engine.depth(instrument)

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        return self._engine.tape(instrument, timeframe)

    def equity(self, book: str) -> EquityHistory | None:
        return self._engine.equity(book)

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self._engine.load_older(instrument, timeframe)

    def look_up(self, question: Question) -> Future[Reply]:
        return self._engine.look_up(question)

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return self._engine.notices(after_seq)

    def ask(self, command: AnyCommand) -> Future[Notice]:
        answer = self._engine.ask(command)

        def told(known: Future[Notice]) -> None:
            error = known.exception()
            said = f"{error}" if error is not None else known.result().text
            self._access.commanded(self._who, command, said)

        answer.add_done_callback(told)
        return answer


def by_telegram(engine: EngineHandle, access: AccessLog) -> EngineHandle:
    """The engine as whoever writes to the bot holds it; the bot itself looks who that is."""
    who = Visitor(door=Door.TELEGRAM, origin="the bot's chats", address="a chat and a person of the settings")
    return CommandsWritten(engine, access, who)


@contextmanager
def access_log(engine: Engine, paths: Paths, clock: Clock) -> Iterator[AccessLog]:
    """For as long as the engine runs; to be opened on its loop, and written to from any thread."""
    loop = asyncio.get_running_loop()

    def tell(severity: Severity, text: str) -> None:
        event = SecurityTold(ts_recv=clock(), severity=severity, text=text)
        with suppress(RuntimeError):  # the engine has ended
            loop.call_soon_threadsafe(engine.hear, event)

    with AccessLog(paths.access_log, wall_ns, tell) as access:
        yield access
