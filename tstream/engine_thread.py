"""The engine in a thread and loop of its own, so that a busy or stalled screen delays no order."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence

from engine.core import Core
from engine.model.commands import AnyCommand, Shutdown
from engine.model.config import EngineConfig
from engine.model.view import HealthView, Notice, View
from engine.runtime.engine import Engine
from engine.runtime.picture import picture
from engine.signals.zone_reaction import ZoneReaction
from tstream.wiring import Run

log = logging.getLogger(__name__)

STOP_S = 10.0


class EngineThread:
    """An EngineHandle that starts at once: until the engine stands it shows that it is starting."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._waiting: list[AnyCommand] = []
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._work, name="engine")
        config = EngineConfig(
            instruments=run.settings.instrument_table(),
            venue="practice venue" if run.practice is not None else run.settings.venue.name,
            install="",
            boot=0,
            practice_time=run.practice is not None,
        )
        self._blank = picture(Core(config, ZoneReaction()), 0, HealthView(ok=True, detail="starting"))

    # --- the handle ------------------------------------------------------------------------------------

    def view(self) -> View:
        engine = self._engine
        return engine.view() if engine is not None else self._blank

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
        """Begin, and return once lock and journal are ours. Raises what kept the engine from starting."""
        self._thread.start()
        self._opened.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Ask the engine to stop and wait for it, for a while."""
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
        finally:
            self._opened.set()

    async def _main(self) -> None:
        async with self._run.engine(self._opened.set) as engine:
            with self._lock:
                self._engine = engine
                waiting, self._waiting = self._waiting, []
            for command in waiting:
                engine.send(command)
            await engine.main()


def _failed(view: View, error: BaseException) -> View:
    """The last picture, marked as that of an engine that is no more."""
    from msgspec import structs

    return structs.replace(
        view,
        version=view.version + 1,
        health=structs.replace(view.health, ok=False, detail=f"the engine has stopped: {error}"),
    )
