"""A pretended engine behind a real control socket, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from adapters.control.server import ControlServer
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Flatten, Pause
from engine.model.instrument import CME_FUTURES
from engine.model.market import Timeframe
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.restrictions import TradingState
from engine.model.view import View
from tests.support.fake_engine import FakeEngine
from tests.support.patience import patient
from tests.tui.charts import charts


class Engine(FakeEngine):
    """Flattens at once, unless it is `stuck`; pauses; answers resume with a warning."""

    def __init__(self, view: View, *, stuck: bool = False) -> None:
        super().__init__(view)
        self._stuck = stuck

    def view(self) -> View:
        with self._lock:
            self.show()
            return self._view

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return charts(CME_FUTURES[instrument])[timeframe]

    def obey(self, command: AnyCommand) -> Notice:
        if isinstance(command, Flatten):
            answer = self._answer(command, Severity.GOOD, "flattening")
            if not self._stuck:
                self._flatten(command.instrument)
            return answer
        if isinstance(command, Pause):
            return self._answer(command, Severity.INFO, f"{command.instrument or 'all'} paused \x1b[2J")
        return self._answer(command, Severity.WARNING, "locked by a risk limit")

    def _answer(self, command: AnyCommand, severity: Severity, text: str) -> Notice:
        return self.tell(
            NoticeKind.COMMAND, text, severity, command_id=command.id, done=severity is not Severity.WARNING
        )

    def _flatten(self, instrument: str | None) -> None:
        def stays(name: str) -> bool:
            return instrument not in (None, name)

        self.show(
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
        thread.join(patient(10))
        loop.close()
