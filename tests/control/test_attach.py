"""Attached clients over real sockets: what they see, what they may, and lines that break."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from adapters.control import attach_protocol as wire
from adapters.control.access import AccessLog
from adapters.control.attach_protocol import Role
from adapters.control.client import send_command
from adapters.control.dial import UnixDial
from adapters.control.remote import RemoteHandle
from adapters.control.server import ControlServer
from engine.model.alert_tries import AlertTried, TryAlert
from engine.model.alerts import Reason, Verdict
from engine.model.chart import ChartView, CurveView
from engine.model.commands import AnyCommand, Flatten, Pause
from engine.model.depth import TAPE_PRINTS, DepthView, TapePrint, TapeView
from engine.model.equity import EquityDay, EquityHistory
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from engine.model.review import JournalAsked, Span
from engine.model.view import View
from tests.control.fake import BAR, FakeHandle, a_view, serving
from tests.support.patience import patient
from tests.support.waits import until

T = TypeVar("T")
M5 = Timeframe.M5


class Still(FakeHandle):
    """An engine whose picture changes only when something happens."""

    def view(self) -> View:
        return self._view


class Growing(Still):
    """Its charts grow."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.shown: ChartView | None = None
        self.days = EquityHistory(
            "book", (EquityDay("2026-10-14", 1, Decimal(5), Decimal(9), Decimal(-2), Decimal(7)),)
        )

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return self.shown

    def equity(self, book: str) -> EquityHistory | None:
        return self.days if book == "book" else None


class Tail(list[LogLine]):
    """The log's newest lines."""

    def lines(self, after_seq: int) -> list[LogLine]:
        return [line for line in self if line.seq > after_seq]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


@asynccontextmanager
async def attached(path: Path, **more: Any) -> AsyncIterator[RemoteHandle]:
    remote = RemoteHandle(UnixDial(path), a_view(), **{"name": "anna@laptop", "fps": 20, **more})
    try:
        await asyncio.to_thread(remote.start, patient(10))
        yield remote
    finally:
        await asyncio.to_thread(remote.close)


async def answer(asked: Future[Notice]) -> Notice:
    return await asyncio.wait_for(asyncio.wrap_future(asked), patient(10))


def same(shown: View, view: View) -> bool:
    """But for the numbers that a client counts by itself."""
    return replace(shown, version=0) == replace(view, version=0)


async def test_an_attached_client_sees_what_the_engine_shows(path: Path) -> None:
    handle = Still(replace(a_view(), notices=(), ts=5))
    async with serving(handle, path), attached(path) as remote:
        assert same(remote.view(), handle.view())
        before = remote.view().version
        handle.show(ts=6, uptime_ns=9, venue="another")
        await until(lambda: same(remote.view(), handle.view()))
        assert remote.view().version > before
        handle.tell(NoticeKind.FILL, "“[bold]filled”", Severity.GOOD, instrument="MNQ")
        await until(lambda: len(remote.notices(0)) == 1)
        assert remote.notices(0) == handle.notices(0)
        assert not remote.notices(1)


async def test_a_command_is_answered_and_its_answer_is_that_command_s(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path), attached(path) as one, attached(path) as other:
        answers = [await answer(client.ask(Pause(id="ui-1"))) for client in (one, other)]
        assert [told.command_id for told in answers] == ["ui-1", "ui-1"]
        assert len({command.id for command in handle.sent}) == 2
        assert {command.source for command in handle.sent} == {"anna@laptop"}
        assert [told.text for told in answers] == [f"did {command.id}" for command in handle.sent]


async def test_a_viewer_sees_all_and_commands_nothing(path: Path, tmp_path: Path) -> None:
    handle = Still(a_view())
    with AccessLog(tmp_path / "access", lambda: 0) as access:
        async with serving(handle, path, access=access), attached(path, role=Role.VIEWER) as remote:
            assert same(remote.view(), handle.view())
            with pytest.raises(RefusedError, match="attached to look only"):
                await answer(remote.ask(Flatten(id="a")))
            assert handle.sent == []
    events = [json.loads(line) for line in (tmp_path / "access").read_text().splitlines()]
    assert [(one["event"], one.get("role")) for one in events] == [
        ("attached", "viewer"),
        ("news", "viewer"),
        ("refused", "viewer"),
        ("left", "viewer"),
    ]
    assert events[2]["what"] == "command flatten"
    assert events[0]["address"] == f"uid {os.getuid()}, process {os.getpid()}"


async def test_charts_come_only_while_they_are_looked_at_whole_first_and_then_their_ends(path: Path) -> None:
    handle = Growing(a_view())
    bars = tuple(replace(BAR, open_ts=ts * 60) for ts in range(600))
    forming = replace(BAR, open_ts=600 * 60)
    handle.shown = ChartView("MNQ", M5, bars, forming, ())
    async with serving(handle, path), attached(path) as remote:
        quiet = remote.received
        await until(lambda: remote.chart("MNQ", M5) == handle.shown)
        assert remote.received - quiet > 20_000
        for change in (
            {"forming": replace(forming, close=1)},
            {"bars": (*bars, forming), "forming": None},
            {"bars": (*bars[2:], forming), "zones": ()},
            {"curves": (CurveView("VWAP", (1, None, 3)),)},
        ):
            before = remote.received
            handle.shown = replace(handle.shown, **change)
            await until(lambda: remote.chart("MNQ", M5) == handle.shown)
            assert remote.received - before < 2_000
        handle.shown = replace(handle.shown, bars=bars[:3])  # another month: nothing goes on
        await until(lambda: remote.chart("MNQ", M5) == handle.shown)


async def test_a_book_s_days_come_when_they_are_asked_for(path: Path) -> None:
    handle = Growing(a_view())
    async with serving(handle, path), attached(path) as remote:
        assert remote.equity("another") is None
        await until(lambda: remote.equity("book") == handle.days)
        assert remote.equity("another") is None


async def test_what_was_missed_while_the_line_was_down_comes_and_nothing_comes_twice(path: Path) -> None:
    priced = tuple(replace(one, stale=False, age_ns=7) for one in a_view().contracts)
    handle, tail = Still(replace(a_view(), notices=(), contracts=priced)), Tail()
    async with serving(handle, path, lines=tail) as server, attached(path) as remote:
        for number in range(1, 4):
            handle.tell(NoticeKind.FILL, f"fill {number}")
            tail.append(LogLine(number, 0, "INFO", "x", f"line {number}"))
        await until(lambda: len(remote.notices(0)) == 3 and len(remote.lines(0)) == 3)
        for client in list(server.attachments._clients):
            client._writer.transport.abort()
        await until(lambda: remote.view().health.stopped)
        assert "not attached to the engine on this machine" in remote.view().health.detail
        assert all(one.stale and one.age_ns is None for one in remote.view().contracts)
        handle.tell(NoticeKind.FILL, "fill 4")
        tail.append(LogLine(4, 0, "INFO", "x", "line 4"))
        await until(lambda: remote.attached == 2 and not remote.view().health.stopped)
        assert remote.view().contracts == priced
        await until(lambda: len(remote.notices(0)) == 4 and len(remote.lines(0)) == 4)
        assert [one.text for one in remote.notices(0)] == [f"fill {number}" for number in range(1, 5)]
        assert [one.seq for one in remote.lines(0)] == [1, 2, 3, 4]


async def test_another_run_of_the_engine_goes_on_in_the_client_s_numbers(path: Path) -> None:
    handle = Still(replace(a_view(), notices=()))
    async with attached_to_first(handle, path) as (server, remote):
        handle.tell(NoticeKind.FILL, "of the first run")
        await until(lambda: len(remote.notices(0)) == 1)
        await server.stop()
        await until(lambda: remote.view().health.stopped)
        told = [(-1, "told again"), (1, "begun")]
        notices = tuple(Notice(seq, 0, NoticeKind.FILL, Severity.INFO, text) for seq, text in told)
        again = Still(replace(a_view(), notices=notices))
        async with serving(again, path):
            await until(lambda: remote.attached == 2 and not remote.view().health.stopped)
            again.tell(NoticeKind.FILL, "of the second run")
            await until(lambda: len(remote.notices(1)) == 2)
            assert [(one.seq, one.text) for one in remote.notices(0)] == [
                (1, "of the first run"),
                (2, "begun"),
                (3, "of the second run"),
            ]


@asynccontextmanager
async def attached_to_first(
    handle: FakeHandle, path: Path
) -> AsyncIterator[tuple[ControlServer, RemoteHandle]]:
    async with serving(handle, path) as server, attached(path) as remote:
        yield server, remote


class Restless(Still):
    """Shows another picture at each look."""

    def view(self) -> View:
        self.show(uptime_ns=self._view.uptime_ns + 1, strategy=f"{self._view.uptime_ns}")
        return self._view


class Slow(Still):
    """Answers when it is told to."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.open: list[tuple[AnyCommand, Future[Notice]]] = []

    def ask(self, command: AnyCommand) -> Future[Notice]:
        self.sent.append(command)
        answer: Future[Notice] = Future()
        self.open.append((command, answer))
        return answer


async def test_an_answer_that_got_lost_is_looked_up_and_nothing_is_done_twice(path: Path) -> None:
    handle = Slow(a_view())
    async with serving(handle, path) as server, attached(path) as remote:
        asked = remote.ask(Flatten(id="a"))
        await until(lambda: handle.open)
        for client in list(server.attachments._clients):
            client._writer.transport.abort()
        command, open_answer = handle.open[0]
        open_answer.set_result(handle.obey(command))
        told = await answer(asked)
        assert told.text == f"did {command.id}"
        assert len(handle.sent) == 1
        assert remote.attached == 2


async def test_an_engine_that_was_begun_again_leaves_an_unknown_outcome(path: Path) -> None:
    handle = Slow(a_view())
    async with attached_to_first(handle, path) as (server, remote):
        asked = remote.ask(Flatten(id="a"))
        await until(lambda: handle.open)
        await server.stop()
        again = Still(a_view())
        async with serving(again, path):
            with pytest.raises(UnknownOutcomeError, match="begun again before it answered"):
                await answer(asked)
            assert again.sent == []


class Client:
    """A client of our own: the bytes of the protocol, one frame after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder = msgspec.msgpack.Decoder(wire.FromEngine)

    async def __aenter__(self) -> Client:
        self.reader, self.writer = await asyncio.open_unix_connection(self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def say(self, *messages: Any) -> None:
        self.writer.write(b"".join(map(wire.frame, messages)))
        await self.writer.drain()

    async def hear(self, kind: type[T]) -> T:
        """The next message of a kind; others are passed over."""
        async with asyncio.timeout(patient(10)):
            while True:
                said, _ = await wire.read_frame(self.reader, self._decoder, wire.MOST_HEARD)
                if isinstance(said, kind):
                    return said


def hello(**change: Any) -> wire.Hello:
    usual = wire.Hello(wire.PROTOCOL, wire.SCHEMA, wire.VERSION, "c", "me", Role.TRADER, 20.0)
    return replace(usual, **change)


@pytest.mark.parametrize("change", [{"schema": "other", "version": "0.0.1\x1b[2J"}, {"protocol": 99}])
async def test_another_version_is_told_in_words(path: Path, change: dict[str, Any]) -> None:
    async with serving(Still(a_view()), path), Client(path) as client:
        await client.say(hello(**change))
        told = await client.hear(wire.NotWelcome)
        assert told.for_good
        assert f"the engine is tstream {wire.VERSION}" in told.why
        assert "use the same version at both ends" in told.why
        assert "\x1b" not in told.why
        assert await client.reader.read() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\0\0\0",
        b"\0\0\0\5\xc1\xc1\xc1\xc1\xc1",
        b"\0\xff\xff\xff",
        b"\0\0\0\1\xc0",
        wire.frame(wire.PictureTaken(1)),
        wire.frame(wire.Bridged("x", Role.TRADER)) * 2,
        wire.frame(hello()) * 2,
        b"\0\0\x40\0" + b"\x91" * 0x4000,
    ],
)
async def test_nonsense_in_frames_is_answered_and_harms_nobody(path: Path, sent: bytes) -> None:
    handle = Still(a_view())
    async with serving(handle, path), attached(path) as other:
        async with Client(path) as client:
            client.writer.write(sent)
            assert "not understood" in (await client.hear(wire.NotWelcome)).why
            assert await asyncio.wait_for(client.reader.read(), patient(10)) == b""
        assert (await answer(other.ask(Pause(id="a")))).text.startswith("did ")
        assert len(handle.sent) == 1


async def test_what_a_bridge_says_bounds_what_its_client_may(path: Path) -> None:
    async with serving(Still(a_view()), path), Client(path) as client:
        await client.say(wire.Bridged("ssh from 10.0.0.5", Role.VIEWER), hello())
        assert (await client.hear(wire.Welcome)).role is Role.VIEWER


async def test_a_stalled_client_has_a_few_pictures_under_way_and_then_gets_the_newest(path: Path) -> None:
    handle = Restless(a_view())
    async with serving(handle, path) as server, Client(path) as client, attached(path) as lively:
        await client.say(hello(client="stalled"))
        pictures = [await client.hear(wire.PictureSent) for _ in range(wire.WINDOW)]
        (stalled,) = [one for one in server.attachments._clients if one._client == "stalled"]
        before = lively.view().version
        await until(lambda: lively.view().version > before + 2)
        assert not stalled.hungry(server.attachments.now() + 60)
        handle.show(venue="moved on")
        await until(lambda: lively.view().venue == "moved on")
        await client.say(wire.PictureTaken(pictures[-1].number))
        newest = await client.hear(wire.PictureSent)
        assert newest.base == pictures[-1].number
        assert newest.body["venue"] == ["moved on"]


async def test_f50_a_command_that_was_held_up_on_the_way_is_refused(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path) as server, Client(path) as client:
        await client.say(hello())
        picture = await client.hear(wire.PictureSent)

        async def fate(number: int, since_s: float, waited_s: float = 0.0) -> wire.AnswerSent:
            asking = wire.CommandAsked(
                f"{number}", Flatten(id="a"), picture.number, 1000 * since_s, 1000 * waited_s
            )
            await client.say(asking)
            return await client.hear(wire.AnswerSent)

        began = server.attachments.now()
        server.attachments.now = lambda: began + 60.0
        told = await fate(1, 1.0)  # its sender believes that the picture is a second old
        assert told.fate is wire.CommandFate.REFUSED
        assert "on its way, over the 2 s that are allowed: nothing was done" in told.why
        assert (await fate(2, 59.9, waited_s=2.5)).fate is wire.CommandFate.REFUSED
        assert handle.sent == []
        assert (await fate(3, 59.5)).notice is not None
        assert (await fate(1, 59.9)).fate is wire.CommandFate.REFUSED, "asked again it is the same command"
        assert (await fate(3, 0.0)).notice is not None
        assert len(handle.sent) == 1


async def test_f50_a_command_given_without_a_line_is_never_sent_late(path: Path) -> None:
    handle, ahead = Still(a_view()), [0.0]
    async with (
        serving(handle, path) as server,
        attached(path, now=lambda: time.monotonic() + ahead[0]) as remote,
    ):
        await server.stop()
        await until(lambda: remote.view().health.stopped)
        asked = remote.ask(Flatten(id="late"))
        ahead[0] = 2.1  # seconds pass
        again = Still(a_view())
        async with serving(again, path):
            with pytest.raises(
                RefusedError, match="the line to the engine was down for 2 s: nothing was sent"
            ):
                await answer(asked)
            await until(lambda: remote.attached == 2 and not remote.view().health.stopped)
            assert (await answer(remote.ask(Pause(id="in time")))).done is None
            assert [type(command) for command in again.sent] == [Pause]


async def test_an_engine_that_falls_silent_is_told_of_within_two_seconds(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path) as server, attached(path) as remote:
        assert server.attachments._feeding is not None
        server.attachments._feeding.cancel()  # it sends nothing any more, and the line stands
        began = asyncio.get_running_loop().time()
        await until(lambda: remote.view().health.stopped)
        assert asyncio.get_running_loop().time() - began < patient(2.2)
        assert "it has said nothing" in remote.view().health.detail


async def test_f54_a_crowd_that_never_introduces_itself_keeps_nobody_out(path: Path) -> None:
    handle = Still(a_view())
    async with serving(handle, path) as server, attached(path) as remote:
        crowd = [await asyncio.open_unix_connection(path) for _ in range(200)]
        for _, writer in crowd:
            writer.write(b"\0\0")
        told = await asyncio.to_thread(send_command, path, Flatten(id="a"))
        assert told.text == "did a"
        assert len(server._clients) <= 17
        assert (await answer(remote.ask(Pause(id="b")))).text.startswith("did ")
        for _, writer in crowd:
            writer.close()


async def test_so_many_clients_and_no_more_and_lines_get_in_beside_them(path: Path) -> None:
    handle, now = Still(a_view()), [100.0]
    async with serving(handle, path) as server:
        server.attachments.now = lambda: now[0]
        clients = [await Client(path).__aenter__() for _ in range(16)]
        for number, client in enumerate(clients):
            await client.say(hello(client=f"{number}"))
            await client.hear(wire.Welcome)
        async with Client(path) as more:
            await more.say(hello(client="more"))
            assert not (await more.hear(wire.NotWelcome)).for_good
        told = await asyncio.to_thread(send_command, path, Flatten(id="a"))
        assert told.text == "did a"
        now[0] += 60.0  # all but the first give a sign of life, which is the one that goes
        for client in clients[1:]:
            await client.say(wire.LookingUp(("none",)))
            await client.hear(wire.AnswerSent)
        async with Client(path) as more:
            await more.say(hello(client="more"))
            await more.hear(wire.Welcome)
            async with asyncio.timeout(patient(10)):
                while await clients[0].reader.read(1 << 16):
                    pass
        for client in clients:
            client.writer.close()


async def test_the_kernel_says_who_comes(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with AccessLog(tmp_path / "access", lambda: 0) as access:
        async with serving(Still(a_view()), path, access=access):
            real = socket.socket.getsockopt

            def another(self: socket.socket, level: int, option: int, size: int = 0) -> Any:
                found = real(self, level, option, size) if size else real(self, level, option)
                return struct.pack("iII", 77, os.getuid() + 1, 0) if size == 12 else found

            monkeypatch.setattr(socket.socket, "getsockopt", another)
            reader, writer = await asyncio.open_unix_connection(path)
            assert await asyncio.wait_for(reader.read(), patient(10)) == b""
            writer.close()
    refused = json.loads((tmp_path / "access").read_text().splitlines()[0])
    assert refused["event"] == "refused"
    assert refused["address"] == f"uid {os.getuid() + 1}, process 77"


class Traded(Still):
    """Its book and its tape are what a test says."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.book: DepthView | None = None
        self.shown = TapeView("MNQ", M5)
        self.asked = 0

    def depth(self, instrument: str) -> DepthView | None:
        self.asked += 1
        return self.book

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        return self.shown

    def trade(self, *numbers: int) -> None:
        prints = tuple(TapePrint(n, n, 80_000 + n, 1, 1) for n in numbers)
        self.shown = replace(
            self.shown, prints=(*self.shown.prints, *prints)[-TAPE_PRINTS:], delta=numbers[-1]
        )


async def test_books_and_tapes_come_while_they_are_looked_at_and_of_the_tape_what_is_new(path: Path) -> None:
    handle = Traded(a_view())
    handle.book = DepthView("MNQ", 5, bids=((80_000, 3),))
    handle.trade(*range(1, 301))
    async with serving(handle, path), attached(path) as remote:
        assert handle.asked == 0
        await until(lambda: remote.depth("MNQ") == handle.book and remote.tape("MNQ", M5) == handle.shown)
        before = remote.received
        handle.book = DepthView("MNQ", 6, bids=((80_001, 4),), broken="lost")
        handle.trade(301, 302)
        await until(lambda: remote.depth("MNQ") == handle.book and remote.tape("MNQ", M5) == handle.shown)
        assert remote.received - before < 2_000
        handle.trade(*range(303, 900))  # more than is kept: what is there goes on all the same
        await until(lambda: remote.tape("MNQ", M5) == handle.shown)
        handle.shown = TapeView("MNQ", M5)  # begun anew
        handle.trade(1, 2)
        await until(lambda: remote.tape("MNQ", M5) == handle.shown)


async def test_questions_are_answered_for_viewers_too_and_refused_without_a_line(path: Path) -> None:
    handle = Still(a_view())
    handle.reply = AlertTried("jm", ("jm",), Verdict.REFUSED, Reason.STOP_SIDE, "the stop", "MNQ")
    asked = TryAlert("NQ long", "jm"), JournalAsked(Span.DAY, "2026-03-04", "one")
    async with serving(handle, path), attached(path, role=Role.VIEWER) as remote:
        for question in asked:
            answer = await asyncio.wait_for(asyncio.wrap_future(remote.look_up(question)), patient(10))
            assert answer == handle.reply
        assert tuple(handle.looked_up) == asked
        handle.mute = True  # the line goes first
        open_still = remote.look_up(asked[0])
        await until(lambda: len(handle.looked_up) == 3)
    with pytest.raises(RefusedError, match="the line to the engine broke"):
        open_still.result(patient(10))
    with pytest.raises(RefusedError, match="not attached"):
        remote.look_up(asked[0]).result(patient(10))
