"""The engine in a thread and loop of its own, so that a busy or stalled screen delays no order."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Protocol

from msgspec import structs

from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Shutdown
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.errors import RefusedError
from engine.model.market import Timeframe
from engine.model.notices import Notice
from engine.model.playing import PlayWish
from engine.model.questions import Question, Reply
from engine.model.view import View
from engine.ports import EngineHandle, ReplayControls

log = logging.getLogger(__name__)

STOP_S = 10.0


class Playing(EngineHandle, Protocol):
    """An engine at work, or a replay of one."""

    async def main(self) -> None:
        """Until a Shutdown command."""


class Playable(Protocol):
    """Everything that an engine needs, checked and claimed."""

    def engine(self) -> AbstractAsyncContextManager[Playing]:
        """The engine, with what it holds as long as it runs."""


class EngineThread:
    """An EngineHandle from the first moment: until the engine stands it shows that it is starting."""

    def __init__(self, prepare: Callable[[], Playable], blank: View) -> None:
        """`prepare` is called on the thread, and what it raises ends it; `blank` is shown until then."""
        self._prepare = prepare
        self._blank = blank
        self._engine: Playing | None = None
        self._early: list[tuple[AnyCommand, Future[Notice]]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="engine")
        self._on_refused: Callable[[], object] = lambda: None
        self.refusal: Exception | None = None
        """Why there was nothing to run: settings, locks, the practice venue's process."""
        self.failure: Exception | None = None
        """What ended the engine, if it did not end by itself."""

    # --- the handle ------------------------------------------------------------------------------------

    def view(self) -> View:
        engine = self._engine
        return engine.view() if engine is not None else self._blank

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        engine = self._engine
        return engine.chart(instrument, timeframe) if engine is not None else None

    def depth(self, instrument: str) -> DepthView | None:
        engine = self._engine
        return engine.depth(instrument) if engine is not None else None

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        engine = self._engine
        return engine.tape(instrument, timeframe) if engine is not None else None

    def equity(self, book: str) -> EquityHistory | None:
        engine = self._engine
        return engine.equity(book) if engine is not None else None

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        engine = self._engine
        if engine is not None:
            engine.load_older(instrument, timeframe)

    def look_up(self, question: Question) -> Future[Reply]:
        engine = self._engine
        if engine is not None:
            return engine.look_up(question)
        answer: Future[Reply] = Future()
        answer.set_exception(RefusedError("there is no engine at work that could answer"))
        return answer

    def notices(self, after_seq: int) -> Sequence[Notice]:
        engine = self._engine
        return engine.notices(after_seq) if engine is not None else ()

    def ask(self, command: AnyCommand) -> Future[Notice]:
        with self._lock:
            engine = self._engine
            if engine is None:
                answer: Future[Notice] = Future()
                answer.set_running_or_notify_cancel()
                ended = self.refusal or self.failure
                if ended is None:
                    self._early.append((command, answer))
                else:
                    answer.set_exception(_stopped(ended))
                return answer
        return engine.ask(command)

    def control(self, wish: PlayWish) -> None:
        """Of a replay its time; see `ReplayControls`."""
        engine = self._engine
        if isinstance(engine, ReplayControls):
            engine.control(wish)

    # --- its life --------------------------------------------------------------------------------------

    def start(self, on_refused: Callable[[], object] = lambda: None) -> None:
        """Begin. Called behind the cockpit's first picture: what the engine needs takes long to load.

        `on_refused` is called on the thread when there is nothing to run; `refusal` then says why.
        """
        self._on_refused = on_refused
        self._thread.start()

    def stop(self) -> None:
        """Ask the engine to stop and wait for it, for a while."""
        if not self._thread.ident:
            return
        self.ask(Shutdown(id="stop", source="tstream"))
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.error("the engine did not stop within %.0f s", STOP_S)

    def wait(self, seconds: float) -> bool:
        """Whether the engine has ended within so many seconds."""
        if self._thread.ident:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            run = self._prepare()
        except Exception as error:  # noqa: BLE001 - handed to the main thread, which tells it
            self.refusal = error
            self._refuse(error)
            self._on_refused()
            return
        try:
            asyncio.run(self._main(run))
        except Exception as error:
            log.exception("the engine has stopped")
            self.failure = error
            self._blank = _failed(self.view(), error)
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        """There is no engine, and there will be none."""
        with self._lock:
            self._engine = None
            early, self._early = self._early, []
        for _, answer in early:
            answer.set_exception(_stopped(error))

    async def _main(self, run: Playable) -> None:
        async with run.engine() as engine:
            with self._lock:
                self._engine = engine
                early, self._early = self._early, []
            for command, answer in early:
                engine.ask(command).add_done_callback(partial(_pass_on, answer))
            await engine.main()


def _stopped(error: Exception) -> RefusedError:
    return RefusedError(f"the engine has stopped: {error}")


def _pass_on(answer: Future[Notice], known: Future[Notice]) -> None:
    """What came of a command that was given before there was an engine."""
    error = known.exception()
    if error is None:
        answer.set_result(known.result())
    else:
        answer.set_exception(error)


def _failed(view: View, error: BaseException) -> View:
    """The last picture, marked as that of an engine that is no more."""
    return structs.replace(
        view,
        version=view.version + 1,
        health=structs.replace(
            view.health, ok=False, detail=f"the engine has stopped: {error}", stopped=True
        ),
    )
