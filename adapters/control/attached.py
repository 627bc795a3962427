"""The engine's side of attached clients: what they see, what they ask, and that none holds up anybody."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from adapters.common.pacing import TokenBucket
from adapters.common.redaction import printable
from adapters.control import attach_protocol as wire
from adapters.control.access import AccessLog, Visitor
from adapters.control.asked import AskedCommands, Asker
from adapters.control.looked_at import LookedAt
from adapters.control.protocol import ANSWER_SECONDS
from adapters.control.shared_pictures import ChartKey, PlainPicture, SharedPictures, chart_frame
from engine.model.chart import ChartView
from engine.model.errors import RefusedError
from engine.model.notices import Severity
from engine.ports import EngineHandle, LogTail

log = logging.getLogger(__name__)

MOST_CLIENTS = 16
_FASTEST = 20.0
"""Pictures a second."""
_STILL_S = 1.0
"""Where nothing changes but clocks, and as a sign of life."""
_HELLO_S = 10.0
_SILENT_S = 60.0
"""A client that has said nothing for so long is gone; a living one has seen a picture each second."""
_LINES = 200
"""Log lines sent at once, the newest."""
_BURST, _REFILL_S = 100, 0.01
"""Of one client so many frames are read at once, then one in so many seconds; it has some 20 a second to
say.
"""
_ASKING = 32
"""Commands of one client under way at a time."""
_OWED_BYTES = 1 << 23
"""Who has let so much lie is hung up on."""
_NAME = 40


class Attachments:
    """All attached clients of an engine; belongs to the loop that serves them."""

    def __init__(
        self,
        handle: EngineHandle,
        access: AccessLog | None = None,
        lines: LogTail | None = None,
        *,
        answer_s: float = ANSWER_SECONDS,
        now: Callable[[], float] = time.monotonic,
        caught_up: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`lines` are the log's; `now` is in seconds, monotone. `caught_up` comes back when what is urgent on
        this loop is done: pictures are made after it.
        """
        self.run = secrets.token_hex(8)
        self.handle = handle
        self._access = access
        self.lines = lines
        self.now = now
        self.pictures = SharedPictures(handle)
        self.commands = AskedCommands(handle, access, answer_s)
        self._caught_up = caught_up or partial(asyncio.sleep, 0)
        self._clients: dict[AttachedClient, asyncio.Task[None]] = {}
        self._feeding: asyncio.Task[None] | None = None

    async def serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        who: Visitor,
        welcomed: Callable[[], object] = lambda: None,
    ) -> None:
        """Speak to a client until one of both has enough; `welcomed` is called when it is let in. `reader` is
        behind the first byte of the first frame, which is zero. Raises ConnectionError, TimeoutError.
        """
        client = AttachedClient(self, reader, writer)
        try:
            hello, who, most = await client.hello(who)
        except (wire.FrameError, TimeoutError) as error:
            self.refused(who, "attach", f"{error}" or "it said nothing")
            client.say(wire.NotWelcome(f"not understood: {error}"))
            return
        if why := self._against(hello):
            self.refused(who, "attach", why.why)
            client.say(why)
            return
        role = wire.Role.VIEWER if wire.Role.VIEWER in (hello.role, most) else wire.Role.TRADER
        client.who = replace(who, role=role.value)
        client.begin(hello, role)
        task = asyncio.current_task()
        assert task is not None
        welcomed()
        self._clients[client] = task
        if self._access is not None:
            self._access.attached(client.who)
        if self._feeding is None or self._feeding.done():
            self._feeding = asyncio.create_task(self._feed(), name="pictures of attached clients")
        why_left = "hung up"
        try:
            await client.listen()
        except wire.FrameError as error:
            why_left = f"not understood: {error}"
            client.say(wire.NotWelcome(why_left))
        except TimeoutError:
            why_left = "fell silent"
        finally:
            client.end()
            self._clients.pop(client, None)
            if self._access is not None:
                self._access.left(client.who, why_left)

    def refused(self, who: Visitor, what: str, why: str) -> None:
        if self._access is not None:
            self._access.refused(who, what, why)
            self._access.news(f"refused {who.origin}", Severity.WARNING, f"{what} from {who.origin}: {why}")

    async def close(self, why: str) -> None:
        """Say good-bye to all and let go."""
        for client in self._clients:
            client.say(wire.GoodBye(why))
        tasks = [*self._clients.values(), *([] if self._feeding is None else [self._feeding])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.commands.close()

    def _against(self, hello: wire.Hello) -> wire.NotWelcome | None:
        if (hello.protocol, hello.schema) != (wire.PROTOCOL, wire.SCHEMA):
            return wire.NotWelcome(
                f"the engine is tstream {wire.VERSION}, this client {printable(hello.version)[:_NAME]} and "
                "built of other values: use the same version at both ends, or run tstream attach on the "
                "engine's machine (ssh -t HOST tstream attach)"
            )
        if len(self._clients) >= MOST_CLIENTS:
            silent = min(self._clients, key=lambda one: one.heard_at)
            if self.now() - silent.heard_at < 2 * _STILL_S:
                return wire.NotWelcome(
                    f"{MOST_CLIENTS} clients are attached, which is the most: close one", for_good=False
                )
            self._clients[silent].cancel()
        return None

    async def _feed(self) -> None:
        """Give everybody what is new, as fast as the fastest wants it. Events go first, before each of them:
        what is there waits for one client's bytes at most.
        """
        while self._clients:
            now = self.now()
            if hungry := [client for client in self._clients if client.hungry(now)]:
                await self._caught_up()
                self.pictures.look()
                for client in hungry:
                    await self._caught_up()
                    if client in self._clients:
                        self._feed_one(client, now)
            await asyncio.sleep(1 / max((client.fps for client in self._clients), default=1.0))

    def _feed_one(self, client: AttachedClient, now: float) -> None:
        try:
            client.feed(now)
        except Exception:
            log.exception("an attached client can't be shown what is new, and is hung up on")
            self._clients[client].cancel()

    def older(self, wanted: wire.OlderWanted) -> None:
        self.handle.load_older(wanted.instrument, wanted.timeframe)


class AttachedClient:
    """One of them."""

    def __init__(
        self, all_of_them: Attachments, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._all, self._reader, self._writer = all_of_them, reader, writer
        self._first = b"\0"
        self._decoder = msgspec.msgpack.Decoder(wire.FromClient)
        self._known: PlainPicture | None = None
        self._sent: OrderedDict[int, float] = OrderedDict()
        """When which picture left, of the newest."""
        self._under_way = 0
        self._charts: dict[ChartKey, ChartView | None] = {}
        self._looked_at = LookedAt()
        self._notice, self._line = -(1 << 62), 0
        self._fed_at = self._pictured_at = -1e9
        self._client, self._role = "", wire.Role.VIEWER
        self._tasks: set[asyncio.Task[None]] = set()
        self.fps = 1.0
        self.heard_at = all_of_them.now()
        self.who: Visitor

    # --- what it says ----------------------------------------------------------------------------------

    async def hello(self, who: Visitor) -> tuple[wire.Hello, Visitor, wire.Role]:
        """How it introduces itself. Raises FrameError, TimeoutError, ConnectionError."""
        most = wire.Role.TRADER
        async with asyncio.timeout(_HELLO_S):
            said = await self._next()
            if isinstance(said, wire.Bridged):
                most = said.most
                who = replace(who, origin=_plain(said.origin) or who.origin)
                said = await self._next()
        if not isinstance(said, wire.Hello):
            raise wire.FrameError("a client begins with Hello")
        return said, replace(who, name=_plain(said.name)), most

    def begin(self, hello: wire.Hello, role: wire.Role) -> None:
        self._client, self._role = hello.client, role
        self.fps = min(_FASTEST, max(0.2, hello.fps))
        if hello.run == self._all.run:
            self._notice, self._line = hello.notice, hello.line
        self.say(wire.Welcome(wire.VERSION, self._all.run, role))

    async def listen(self) -> None:
        """Until it hangs up. Raises FrameError; TimeoutError where it falls silent."""
        pace = TokenBucket(_BURST, _REFILL_S)
        while True:
            try:
                async with asyncio.timeout(_SILENT_S):
                    said = await self._next()
            except ConnectionError:
                return
            now = self.heard_at = self._all.now()
            if (wait := pace.wait_s(now)) > 0:
                await asyncio.sleep(wait)  # a flood is left where it is: with whoever sends it
            pace.take(now)
            match said:
                case wire.PictureTaken():
                    self._under_way = sum(number > said.picture for number in self._sent)
                case wire.Looking():
                    self._look_at(said)
                case wire.OlderWanted():
                    self._all.older(said)
                case wire.EquityWanted():
                    self.say(wire.EquitySent(said.book, self._all.handle.equity(said.book)))
                case wire.CommandAsked():
                    self._ask(said)
                case wire.QuestionAsked():
                    self._look_up(said)
                case wire.LookingUp():
                    for command_id in said.ids[: wire.MOST_LOOKED_UP]:
                        self._answer(self._all.commands.look_up(self._client, command_id))
                case _:
                    raise wire.FrameError("it has introduced itself already")

    async def _next(self) -> wire.FromClient:
        first, self._first = self._first, b""
        said: wire.FromClient
        said, _ = await wire.read_frame(self._reader, self._decoder, wire.MOST_SENT, first)
        return said

    def _look_at(self, said: wire.Looking) -> None:
        wanted = said.charts[: wire.MOST_CHARTS]
        self._charts = {key: self._charts.get(key) for key in wanted}
        self._looked_at.look(said)

    def _ask(self, said: wire.CommandAsked) -> None:
        left = self._sent.get(said.picture)
        transit = None if left is None else self._all.now() - left - said.since_ms / 1000
        age = None if transit is None else max(0.0, transit) + said.waited_ms / 1000
        asker = Asker(self._client, self.who, self._role, age)
        if len(self._tasks) >= _ASKING:
            why = "too many commands are under way"
            self.say(wire.AnswerSent(said.id, fate=wire.CommandFate.REFUSED, why=why))
            return
        self._answer(self._all.commands.ask(said, asker))

    def _look_up(self, said: wire.QuestionAsked) -> None:
        async def reply() -> wire.QuestionAnswered:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    told = await asyncio.wrap_future(self._all.handle.look_up(said.question))
                    return wire.QuestionAnswered(said.id, told)
            except RefusedError as error:
                return wire.QuestionAnswered(said.id, why=f"{error}")
            except TimeoutError:
                return wire.QuestionAnswered(said.id, why="the engine has not answered in time")

        if len(self._tasks) >= _ASKING:
            self.say(wire.QuestionAnswered(said.id, why="too many questions are under way"))
        else:
            self._answer(reply())

    def _answer(self, coming: Coroutine[Any, Any, wire.AnswerSent | wire.QuestionAnswered]) -> None:
        async def answer() -> None:
            self.say(await coming)

        task = asyncio.create_task(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what it is told -------------------------------------------------------------------------------

    def hungry(self, now: float) -> bool:
        """Whether it can take a picture now, and is due for one."""
        waits = self._under_way >= wire.WINDOW or self._writer.transport.get_write_buffer_size() > 0
        return not waits and now - self._fed_at >= 0.9 / self.fps

    def feed(self, now: float) -> None:
        """What is new since it was fed last."""
        pictures = self._all.pictures
        newest = pictures.newest
        parts = [*self._news(), *self._chart_news(), *self._looked_at.news(self._all.handle)]
        picture, restless = pictures.since(self._known)
        if not restless or now - self._pictured_at >= _STILL_S:
            parts.append(picture)
            self._known, self._pictured_at = newest, now
            self._sent[newest.number] = now
            self._under_way += 1
            while len(self._sent) > 8 * wire.WINDOW:
                self._sent.popitem(last=False)
        if parts:
            self._fed_at = now
            self._write(b"".join(parts))

    def _news(self) -> list[bytes]:
        found = []
        if self._all.pictures.newest_notice > self._notice:
            notices = tuple(self._all.handle.notices(self._notice))
            if notices:
                self._notice = notices[-1].seq
                found.append(wire.frame(wire.NoticesSent(notices)))
        if self._all.lines is not None:
            lines = tuple(self._all.lines.lines(self._line))
            if lines:
                self._line = lines[-1].seq
                found.append(wire.frame(wire.LinesSent(lines[-_LINES:])))
        return found

    def _chart_news(self) -> list[bytes]:
        found = []
        for key, known in self._charts.items():
            chart = self._all.pictures.chart(key)
            if chart is None and known is not None:
                continue  # the engine is too busy to draw it
            if told := chart_frame(key, known, chart):
                found.append(told)
            self._charts[key] = chart
        return found

    def say(self, message: wire.FromEngine) -> None:
        self._write(wire.frame(message))

    def _write(self, told: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() > _OWED_BYTES:
            self._writer.transport.abort()
        elif not self._writer.is_closing():
            self._writer.write(told)

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        with suppress(RuntimeError):
            self._writer.close()


def _plain(text: str) -> str:
    return printable(text)[:_NAME]
