"""An engine in another process, held as if it were here: EngineHandle and LogTail over a line that may break.

A thread of its own keeps the line, attaches again by itself, and takes in what comes; nothing here ever waits
for the other end. While there is no line the View says so, and what a person commands is held for two seconds
at most: a command never arrives late.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from adapters.common.pacing import Backoff
from adapters.control import attach_protocol as wire
from adapters.control.changes import patched
from adapters.control.dial import Dial, EngineConnection
from adapters.control.given import Given, GivenCommands
from adapters.control.looked_at import asked_since, joined
from adapters.control.remote_questions import AskedQuestions
from adapters.control.remote_state import EquityOfBooks, Sequenced
from adapters.control.shared_pictures import ChartKey, PlainPicture, with_tail
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError
from engine.model.events import LinkState
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.questions import Question, Reply
from engine.model.view import View

K = TypeVar("K", str, ChartKey)

log = logging.getLogger(__name__)

QUIET_S = 1.7
"""Without a word for so long the line is told to be still: the engine says something each second."""
GONE_S = 8.0
"""And after so long it is hung up, and tried again."""
_WELCOME_S = 15.0
_LOOKED_AT_S = 3.0
"""A chart, book or tape that nobody has asked for within this is not looked at any more."""
_TEND_S = 0.1
_PAUSES_S = 0.1, 2.0
AGAIN = "; attaching again"
"""Ends what is told of a line that is down."""
_NOTICES, _LINES = 500, 2_000


class RemoteHandle:
    """Fulfils EngineHandle and LogTail for any thread."""

    def __init__(
        self,
        dial: Dial,
        blank: View,
        *,
        name: str,
        role: wire.Role = wire.Role.TRADER,
        fps: float = 10.0,
        origin: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`blank` is shown until there is a picture; `name` is what the engine's access log calls this
        client, `origin` from where it is looked at, if not from here. `now` is in seconds, monotone.
        """
        self._dial, self._now = dial, now
        self._name, self._origin, self.role, self._fps = name, origin, role, fps
        self._client = secrets.token_hex(8)
        self._run = ""
        self._view = blank
        self._plain: PlainPicture | None = None
        self._notices: Sequenced[Notice] = Sequenced(deque(maxlen=_NOTICES))
        self._log: Sequenced[LogLine] = Sequenced(deque(maxlen=_LINES))
        self._charts: dict[ChartKey, ChartView] = {}
        self._asked_for: dict[ChartKey, float] = {}
        self._depths: dict[str, DepthView] = {}
        self._tapes: dict[ChartKey, TapeView] = {}
        self._asked_depths: dict[str, float] = {}
        self._asked_tapes: dict[ChartKey, float] = {}
        self._looking = wire.Looking(())
        self._equity = EquityOfBooks()
        self._given = GivenCommands(self._say, now)
        self._questions = AskedQuestions(self._say, lambda: self._writer is not None)
        self._writer: asyncio.StreamWriter | None = None
        self._heard_at = 0.0
        self._trouble = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._over: PortError | None = None
        self.attached = 0
        """How many times it has attached."""
        self.received = 0
        """Bytes that came."""
        self._thread = threading.Thread(target=self._work, name="attach", daemon=True)

    # --- the handle: any thread ------------------------------------------------------------------------

    def view(self) -> View:
        return self._view

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        """The chart as it came last; None until it has come, a moment after it was asked for first."""
        self._asked(self._asked_for, (instrument, timeframe), self._looking.charts)
        return self._charts.get((instrument, timeframe))

    def depth(self, instrument: str) -> DepthView | None:
        self._asked(self._asked_depths, instrument, self._looking.depths)
        return self._depths.get(instrument)

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        self._asked(self._asked_tapes, (instrument, timeframe), self._looking.tapes)
        return self._tapes.get((instrument, timeframe))

    def _asked(self, asked: dict[K, float], key: K, looking: tuple[K, ...]) -> None:
        asked[key] = self._now()
        if key not in looking:
            self._soon(self._look)

    def equity(self, book: str) -> EquityHistory | None:
        if self._equity.due(book, self._now()):
            self._soon(self._say, wire.EquityWanted(book))
        return self._equity.known.get(book)

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self._soon(self._say, wire.OlderWanted(instrument, timeframe))

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return self._notices.after(after_seq)

    def lines(self, after_seq: int) -> Sequence[LogLine]:
        return self._log.after(after_seq)

    def ask(self, command: AnyCommand) -> Future[Notice]:
        answer: Future[Notice] = Future()
        answer.set_running_or_notify_cancel()
        if not self._soon(self._given.take, Given(command, answer, self._now())):
            answer.set_exception(RefusedError("this client is not attached any more: nothing was done"))
        return answer

    def look_up(self, question: Question) -> Future[Reply]:
        answer: Future[Reply] = Future()
        if not self._soon(self._questions.take, question, answer):
            answer.set_exception(RefusedError("this client is not attached any more"))
        return answer

    # --- its life --------------------------------------------------------------------------------------

    def start(self, within_s: float) -> None:
        """Attach, and wait for the first picture. Raises PortError where none comes."""
        self._thread.start()
        if not self._ready.wait(within_s):
            self.close()
            raise RetryableError(self._trouble or f"the engine {self._dial.words} does not answer")
        if self._over is not None:
            raise self._over

    def close(self) -> None:
        """Let go of the line; the engine goes on."""
        main = self._main
        if main is not None and self._soon(main.cancel):
            self._thread.join(5.0)

    def _soon(self, work: Callable[..., object], *what: object) -> bool:
        """Have the thread do it; False where it has ended, or has not begun."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(work, *what)
        except RuntimeError:
            return False
        return True

    def _work(self) -> None:
        try:
            asyncio.run(self._live())
        except asyncio.CancelledError:
            pass
        except Exception:
            log.exception("the attached client has failed")
            self._over = FatalError("internal error, see the log")
        finally:
            self._ready.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        tending = asyncio.create_task(self._tend())
        backoff = Backoff(*_PAUSES_S)
        try:
            while self._over is None:
                began = self._now()
                try:
                    await self._attach()
                except PortError as error:
                    if not self.attached:
                        self._over = error
                        return
                    self._down(str(error))
                backoff.held(self._now() - began)
                await asyncio.sleep(backoff.pause_s())
        finally:
            tending.cancel()
            self._given.end()

    async def _attach(self) -> None:
        """One connection, from its beginning to its end. Raises PortError with why it ended."""
        connection = await self._dial(first=not self.attached)
        try:
            await self._converse(connection)
        except (ConnectionError, TimeoutError) as error:
            broke = f"the line to the engine broke ({f'{error}' or 'out of time'})"
            if self.attached:
                self._down(broke)  # at once; what the way itself says may take a while
            raise RetryableError(await connection.said() or broke) from None
        except (wire.FrameError, msgspec.MsgspecError, ValueError) as error:
            why = "another version, or a shell there that prints something"
            raise RetryableError(f"what came is not the engine's language ({error}): {why}") from None
        finally:
            self._writer = self._given.picture = None
            self._questions.lost()
            await connection.close()

    async def _converse(self, connection: EngineConnection) -> None:
        reader, writer = connection.reader, connection.writer
        decoder = msgspec.msgpack.Decoder(wire.FromEngine)
        if self._origin:
            writer.write(wire.frame(wire.Bridged(self._origin, wire.Role.TRADER)))
        writer.write(wire.frame(self._hello()))
        async with asyncio.timeout(_WELCOME_S):
            welcome, _ = await wire.read_frame(reader, decoder, wire.MOST_HEARD)
        if isinstance(welcome, wire.NotWelcome):
            error = RefusedError(welcome.why)
            if welcome.for_good:
                self._over = error
            raise error
        if not isinstance(welcome, wire.Welcome):
            raise wire.FrameError("no welcome")
        self._welcomed(welcome)
        self._writer, self._plain, self._looking = writer, None, wire.Looking(())
        self._depths, self._tapes = {}, {}  # what came before may be of long ago
        self._look()
        while True:
            said, size = await wire.read_frame(reader, decoder, wire.MOST_HEARD)
            self._heard_at = self._now()
            self.received += size
            self._hear(said)

    def _hello(self) -> wire.Hello:
        return wire.Hello(
            wire.PROTOCOL,
            wire.SCHEMA,
            wire.VERSION,
            self._client,
            self._name,
            self.role,
            self._fps,
            self._run,
            self._notices.last,
            self._log.last,
        )

    def _welcomed(self, welcome: wire.Welcome) -> None:
        if self.attached:
            log.info("attached again to the engine %s", self._dial.words)
        self.attached += 1
        self._heard_at = self._now()
        self.role = welcome.role
        if welcome.run != self._run:
            self._run = welcome.run
            self._notices.new_run()
            self._log.new_run()
            self._given.forget()

    # --- what the engine says --------------------------------------------------------------------------

    def _hear(self, said: wire.FromEngine) -> None:
        match said:
            case wire.PictureSent():
                self._take_picture(said)
            case wire.NoticesSent():
                self._notices.add(said.notices)
            case wire.LinesSent():
                self._log.add(said.lines)
            case wire.ChartSent():
                self._take_chart((said.instrument, said.timeframe), said.chart)
            case wire.ChartTail():
                known = self._charts.get((said.instrument, said.timeframe))
                if known is not None:
                    self._take_chart((said.instrument, said.timeframe), with_tail(known, said))
            case wire.DepthSent():
                self._depths[said.depth.instrument] = said.depth
            case wire.TapeSent():
                of = said.tape.instrument, said.tape.timeframe
                self._tapes[of] = joined(self._tapes.get(of), said)
            case wire.EquitySent():
                self._equity.take(said.history)
            case wire.AnswerSent():
                self._given.heard(said)
            case wire.QuestionAnswered():
                self._questions.heard(said)
            case wire.GoodBye():
                raise RetryableError(said.why)
            case _:
                raise wire.FrameError("a second welcome")

    def _take_picture(self, said: wire.PictureSent) -> None:
        if said.base:
            if self._plain is None or self._plain.number != said.base:
                raise wire.FrameError("a change of a picture that never came")
            body = patched(self._plain.body, said.body)
        else:
            body = said.body
        view = msgspec.convert(body, View)
        first = self._plain is None
        self._plain = PlainPicture(said.number, body)
        self._given.picture = said.number, self._now()
        self._say(wire.PictureTaken(said.number))
        self._trouble = ""
        self._show(view)
        self._ready.set()
        if first:
            self._given.go_on()

    def _take_chart(self, key: ChartKey, chart: ChartView | None) -> None:
        if chart is not None and key in self._looking.charts:
            self._charts[key] = chart

    def _show(self, view: View) -> None:
        self._view = replace(view, version=self._view.version + 1, notices=self._notices.all())

    def _down(self, why: str) -> None:
        """There is no engine as far as one can see from here."""
        again = "" if self._over is not None else AGAIN
        told = f"not attached to the engine {self._dial.words}: {why}{again}"
        if told == self._trouble:
            return
        self._trouble = told
        log.warning("%s", told)
        view = self._view
        self._show(
            replace(
                view,
                health=replace(view.health, ok=False, detail=told, stopped=True),
                links=tuple(replace(one, state=LinkState.DOWN, detail="not attached") for one in view.links),
                contracts=tuple(replace(one, stale=True, age_ns=None) for one in view.contracts),
            )
        )

    # --- what a person does ----------------------------------------------------------------------------

    def _say(self, message: wire.FromClient) -> None:
        writer = self._writer
        if writer is not None and not writer.is_closing():
            writer.write(wire.frame(message))

    def _look(self) -> None:
        """Tell what is looked at, where it is something else than before."""
        since = self._now() - _LOOKED_AT_S
        charts = asked_since(since, self._asked_for, self._looking.charts)
        depths = asked_since(since, self._asked_depths, self._looking.depths)
        tapes = asked_since(since, self._asked_tapes, self._looking.tapes)
        looking = wire.Looking(charts, depths, tapes)
        if looking == self._looking or self._writer is None:
            return
        self._looking = looking
        self._charts = {key: chart for key, chart in self._charts.items() if key in charts}
        self._depths = {key: depth for key, depth in self._depths.items() if key in depths}
        self._tapes = {key: tape for key, tape in self._tapes.items() if key in tapes}
        self._say(looking)

    async def _tend(self) -> None:
        """Watch the time: of the line, of commands, of what nobody looks at any more."""
        while True:
            await asyncio.sleep(_TEND_S)
            now = self._now()
            if self._writer is not None and self.attached:
                silent = now - self._heard_at
                if silent > GONE_S:
                    self._writer.transport.abort()
                elif silent > QUIET_S and self._plain is not None:
                    self._down("it has said nothing for two seconds")
                self._look()
            self._given.tend()
