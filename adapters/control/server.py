"""The engine's end of the control socket."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path

import msgspec

from adapters.common.fresh_view import fresh_view
from adapters.control.access import HERE, AccessLog, Door, Visitor
from adapters.control.address import socket_path
from adapters.control.attached import Attachments
from adapters.control.bounds import out_of_bounds
from adapters.control.peer_process import peer_process
from adapters.control.protocol import ANSWER_SECONDS, LINE_LIMIT, ChartsAsked, ControlReply, ControlRequest
from engine.model.errors import FatalError, RefusedError, UnknownOutcomeError
from engine.model.market import Timeframe
from engine.model.notices import Notice, Severity
from engine.model.questions import Question
from engine.ports import EngineHandle, LogTail

_SEND_SECONDS = 10.0
_IDLE_SECONDS = 60.0
_CLIENTS = 16
"""With one more who has been idle for longest goes; while all wait for answers to commands, twice as many."""
_BACKLOG = 64


class ControlServer:
    """Answers on a Unix socket that only its owner may open: Views for looking, Commands for acting; and
    feeds the clients that attach.

    A client can't harm the engine, nor keep others out: lines are bounded, clients are few, who doesn't read
    is hung up on, and so is whoever has asked nothing for longest when another comes.
    """

    def __init__(
        self,
        handle: EngineHandle,
        path: Path,
        *,
        answer_s: float = ANSWER_SECONDS,
        access: AccessLog | None = None,
        lines: LogTail | None = None,
        caught_up: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`path` is where the socket is wanted (see `socket_path`); `answer_s` bounds waits for answers. Who
        comes is written to `access`; attached clients see the log by `lines`, and are shown what is new after
        `caught_up` comes back: once this loop has done what is urgent.
        """
        self.path = socket_path(path)
        self._handle = handle
        self._access = access
        self.attachments = Attachments(handle, access, lines, answer_s=answer_s, caught_up=caught_up)
        self._answer_s = answer_s
        self._decoder = msgspec.json.Decoder(ControlRequest)
        self._encoder = msgspec.json.Encoder()
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._clients: dict[asyncio.Task[None], float] = {}
        """When each last asked for something, monotonic seconds; infinite while a command is under way."""

    async def start(self) -> None:
        """Listen. A dead engine's socket is replaced. Raises FatalError when a live one listens there."""
        listening, self._inode = await asyncio.to_thread(_listen, self.path)
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=LINE_LIMIT)

    async def stop(self) -> None:
        """Hang up and remove the socket. Does nothing when it isn't listening."""
        if self._server is None:
            return
        self._server.close()
        await self.attachments.close("the engine has ended")
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        await asyncio.to_thread(_remove, self.path, self._inode)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        who = self._let_in(writer)
        if who is None or not self._make_room():
            writer.close()
            return
        self._clients[task] = time.monotonic()
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                first = await reader.read(1)
            if first == b"\0":
                # Once they have introduced themselves, attached clients are counted apart.
                await self.attachments.serve(reader, writer, who, lambda: self._clients.pop(task, None))
            elif first:
                await self._converse(task, first, reader, writer, who)
        except (ConnectionError, TimeoutError):
            return  # the client went away, or stopped reading or writing: its loss only
        except asyncio.CancelledError:
            if task in self._clients and self._server is not None and self._server.is_serving():
                raise
            return  # we hang up; asyncio would log the cancel as an error
        finally:
            self._clients.pop(task, None)
            writer.close()

    def _let_in(self, writer: asyncio.StreamWriter) -> Visitor | None:
        """Who it is; None for a process of another user, for whom the file's mode is no hindrance (root)."""
        try:
            uid, pid = peer_process(writer.get_extra_info("socket"))
        except OSError:
            return None
        who = Visitor(door=Door.SOCKET, origin=HERE, address=f"uid {uid}, process {pid}")
        if uid == os.getuid():
            return who
        if self._access is not None:
            why = "the socket is for its owner alone"
            self._access.refused(who, "connect", why)
            self._access.news(f"other user {uid}", Severity.WARNING, f"user {uid} came to the socket: {why}")
        return None

    def _make_room(self) -> bool:
        """Hang up on who has been idle for longest, if one has to go; whether there is room."""
        if len(self._clients) >= _CLIENTS:
            longest = min(self._clients, key=self._clients.__getitem__)
            if self._clients[longest] == math.inf:
                return len(self._clients) < 2 * _CLIENTS
            del self._clients[longest]
            longest.cancel()
        return True

    async def _converse(
        self,
        task: asyncio.Task[None],
        line: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        who: Visitor,
    ) -> None:
        """Answer lines; the first byte of the first one was read already."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    line += b"" if line == b"\n" else await reader.readline()
            except ValueError:  # how the stream reader says that its limit is exceeded
                await self._say(
                    writer,
                    self._encoder.encode(ControlReply(error=f"a request has at most {LINE_LIMIT} bytes")),
                )
                return
            if not line.endswith(b"\n"):
                return
            self._clients[task] = math.inf if b'"command"' in line else time.monotonic()
            async for reply in self._replies(line, who):
                await self._say(writer, reply if isinstance(reply, bytes) else self._encoder.encode(reply))
            self._clients[task], line = time.monotonic(), b""

    async def _say(self, writer: asyncio.StreamWriter, reply: bytes) -> None:
        writer.write(reply + b"\n")
        async with asyncio.timeout(_SEND_SECONDS):
            await writer.drain()

    async def _replies(self, line: bytes, who: Visitor) -> AsyncIterator[ControlReply | bytes]:
        try:
            request = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield ControlReply(error=f"not understood: {error}")
            return
        wrong = out_of_bounds(request.command, line) if request.command is not None else ""
        if wrong:
            yield ControlReply(error=f"not understood: {wrong}")
        elif sum(getattr(request, name) is not None for name in request.__struct_fields__) != 1:
            yield ControlReply(error="not understood: a request is one view, or charts, or a command")
        elif request.news is not None:
            if self._access is not None:
                about = f"told {request.news.text}"
                self._access.news(about, request.news.severity, request.news.text, who)
            yield ControlReply(accepted="news")
        elif request.view is not None:
            yield ControlReply(view=await fresh_view(self._handle))
        elif request.question is not None:
            yield await self._told(request.question)
        elif request.charts is not None:
            yield await self._charts(request.charts)
        elif request.command is not None:
            answer = self._handle.ask(request.command)
            yield ControlReply(accepted=request.command.id)
            reply = await self._answer(request.command.id, answer)
            if self._access is not None:
                said = reply.notice.text if reply.notice is not None else reply.error or "no answer in time"
                self._access.commanded(who, request.command, said)
            yield reply

    async def _charts(self, asked: ChartsAsked) -> bytes:
        """Charts by contract and timeframe; they are large, so others have their turn between two."""
        known = [contract.instrument for contract in self._handle.view().contracts]
        found: dict[str, dict[Timeframe, msgspec.Raw]] = {}
        for instrument in known if asked.instrument is None else [asked.instrument]:
            charts = found[instrument] = {}
            for timeframe in Timeframe if asked.timeframe is None else [asked.timeframe]:
                chart = self._handle.chart(instrument, timeframe)
                if chart is not None:
                    charts[timeframe] = msgspec.Raw(self._encoder.encode(chart))
                await asyncio.sleep(0)
        return self._encoder.encode({"charts": found})

    async def _told(self, question: Question) -> ControlReply:
        try:
            async with asyncio.timeout(self._answer_s):
                told = await asyncio.wrap_future(self._handle.look_up(question))
                return ControlReply(reply=told)
        except RefusedError as error:
            return ControlReply(error=f"{error}")
        except TimeoutError:
            return ControlReply(error="the engine has not answered in time")

    async def _answer(self, command_id: str, answer: Future[Notice]) -> ControlReply:
        try:
            async with asyncio.timeout(self._answer_s):
                notice = await asyncio.wrap_future(answer)
                return ControlReply(notice=notice)
        except RefusedError as error:
            return ControlReply(error=f"{error}")
        except (TimeoutError, UnknownOutcomeError):
            return ControlReply(unanswered=command_id)


def _listen(path: Path) -> tuple[socket.socket, int]:
    """A listening socket of mode 0600 and the inode of its file. Raises FatalError."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(path)
        listening.bind(os.fspath(path))
        path.chmod(0o600)  # before it listens: nobody can have come in
        listening.listen(_BACKLOG)
        listening.setblocking(False)
        return listening, path.stat().st_ino
    except OSError as error:
        listening.close()
        raise FatalError(f"can't open the control socket {path}: {error.strerror or error}") from None
    except FatalError:
        listening.close()
        raise


def _clear(path: Path) -> None:
    """Remove the socket that a dead engine left behind. Raises FatalError if it isn't that."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FatalError(f"{path} is in the way of the control socket; it is no socket: move it away")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except TimeoutError:
            pass  # its queue is full: somebody is there
    raise FatalError(f"another tstream engine is running and listens at {path}; stop it first")


def _remove(path: Path, inode: int) -> None:
    """Unless another engine's socket has taken the place."""
    if path.exists() and path.stat().st_ino == inode:
        path.unlink()
