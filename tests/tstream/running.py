"""A pretended engine behind a real control socket, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from adapters.control.server import ControlServer
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Flatten, Pause
from engine.model.instrument import CME_FUTURES
from engine.model.market import Timeframe
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import TradingState, View
from tests.support.patience import patient
from tests.tui.fake import charts


class Engine:
    """Flattens at once, unless it is `stuck`; pauses; answers resume with a warning."""

    def __init__(self, view: View, *, stuck: bool = False) -> None:
        self._view = view
        self._stuck = stuck
        self._notices: list[Notice] = []
        self._lock = threading.Lock()
        self.sent: list[AnyCommand] = []

    def view(self) -> View:
        with self._lock:
            self._view = replace(self._view, version=self._view.version + 1)
            return self._view

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return charts(CME_FUTURES[instrument])[timeframe]

    def ask(self, command: AnyCommand) -> Future[Notice]:
        self.sent.append(command)
        answer: Future[Notice] = Future()
        with self._lock:
            if isinstance(command, Flatten):
                answer.set_result(self._answer(command, Severity.GOOD, "flattening"))
                if not self._stuck:
                    self._flatten(command.instrument)
            elif isinstance(command, Pause):
                text = f"{command.instrument or 'all'} paused \x1b[2J"
                answer.set_result(self._answer(command, Severity.INFO, text))
            else:
                answer.set_result(self._answer(command, Severity.WARNING, "locked by a risk limit"))
        return answer

    def notices(self, after_seq: int) -> Sequence[Notice]:
        with self._lock:
            return [notice for notice in self._notices if notice.seq > after_seq]

    def _answer(self, command: AnyCommand, severity: Severity, text: str) -> Notice:
        seq = max((notice.seq for notice in self._view.notices), default=0) + 1
        notice = Notice(seq, 0, NoticeKind.COMMAND, severity, text, command_id=command.id)
        self._notices.append(notice)
        self._view = replace(self._view, notices=(*self._view.notices, notice))
        return notice

    def _flatten(self, instrument: str | None) -> None:
        def stays(name: str) -> bool:
            return instrument not in (None, name)

        self._view = replace(
            self._view,
            positions=tuple(p for p in self._view.positions if stays(p.instrument)),
            orders=tuple(o for o in self._view.orders if stays(o.instrument)),
            contracts=tuple(
                c if stays(c.instrument) else replace(c, state=TradingState.REDUCING, flattening=False)
                for c in self._view.contracts
            ),
        )


@contextmanager
def serving(engine: Engine, socket: Path) -> Iterator[None]:
    """The engine can be reached at `socket` within the block."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        server = ControlServer(engine, socket)
        await server.start()
        ready.set()
        await done.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(patient(10))
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
