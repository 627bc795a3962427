"""The engine in a thread and loop of its own, so that a busy or stalled screen delays no order."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Shutdown
from engine.model.market import Timeframe
from engine.model.notices import Notice
from engine.model.orders import AccountKind
from engine.model.view import ContractView, HealthView, SessionPhase, SessionView, TradingState, View
from tstream.clock import RunClock
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.claim import Claim
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

log = logging.getLogger(__name__)

STOP_S = 10.0


class EngineThread:
    """An EngineHandle from the first moment: until the engine stands it shows that it is starting."""

    def __init__(
        self, claim: Claim, settings: Settings, options: RunOptions, paths: Paths, clock: RunClock
    ) -> None:
        self._parts = claim, settings, options, paths, clock
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._waiting: list[AnyCommand] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="engine")
        self._blank = starting(settings)

    # --- the handle ------------------------------------------------------------------------------------

    def view(self) -> View:
        engine = self._engine
        return engine.view() if engine is not None else self._blank

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        engine = self._engine
        return engine.chart(instrument, timeframe) if engine is not None else None

    def notices(self, after_seq: int) -> Sequence[Notice]:
        engine = self._engine
        return engine.notices(after_seq) if engine is not None else ()

    def send(self, command: AnyCommand) -> None:
        with self._lock:
            if self._engine is None:
                self._waiting.append(command)
                return
        self._engine.send(command)

    # --- its life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin. Called behind the cockpit's first picture: what the engine needs takes long to load."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the engine to stop and wait for it, for a while."""
        if not self._thread.ident:
            return
        self.send(Shutdown(id="stop", source="tstream"))
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.error("the engine did not stop within %.0f s", STOP_S)

    def wait(self, seconds: float) -> bool:
        """Whether the engine has ended within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def failure(self) -> BaseException | None:
        """What ended the engine, if it did not end by itself."""
        return self._failure

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:
            log.exception("the engine has stopped")
            self._failure = error
            self._blank = _failed(self.view(), error)
            self._engine = None

    async def _main(self) -> None:
        from tstream.run.wiring import Run

        async with Run(*self._parts).engine() as engine:
            with self._lock:
                self._engine = engine
                waiting, self._waiting = self._waiting, []
            for command in waiting:
                engine.send(command)
            await engine.main()


def starting(settings: Settings) -> View:
    """The picture before there is an engine: the contracts' names, and nothing that could be mistaken."""
    practice = settings.venue.practice
    return View(
        version=0,
        ts=0,
        mode=AccountKind.PRACTICE if practice else AccountKind.LIVE,
        venue="practice venue" if practice else settings.venue.name,
        practice_time=practice,
        session=SessionView("", SessionPhase.CLOSED, "--:--:--", "--:--"),
        links=(),
        contracts=tuple(
            ContractView(
                instrument=instrument.symbol,
                name=instrument.symbol,
                description=instrument.description,
                tick_size=instrument.tick_size,
                tick_value_usd=instrument.tick_value_usd,
                decimals=instrument.decimals,
                bid=None,
                ask=None,
                last=None,
                change=None,
                age_ns=None,
                stale=True,
                state=TradingState.ACTIVE,
                position_qty=0,
            )
            for instrument in settings.instrument_table()
        ),
        books=(),
        positions=(),
        orders=(),
        trades=(),
        alignment={},
        notices=(),
        health=HealthView(ok=True, detail="starting"),
    )


def _failed(view: View, error: BaseException) -> View:
    """The last picture, marked as that of an engine that is no more."""
    return structs.replace(
        view,
        version=view.version + 1,
        health=structs.replace(
            view.health, ok=False, detail=f"the engine has stopped: {error}", stopped=True
        ),
    )
