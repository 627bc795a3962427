"""Attached clients over real sockets: what they see, what they may, and lines that break."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.control.access import AccessLog
from adapters.control.attach_protocol import Role
from engine.model.alert_tries import AlertTried, TryAlert
from engine.model.alerts import Reason, Verdict
from engine.model.chart import ChartView, CurveView
from engine.model.commands import Flatten, Pause
from engine.model.depth import TAPE_PRINTS, DepthView, TapePrint, TapeView
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from engine.model.review import JournalAsked, Span
from engine.model.view import View
from tests.control.attach_scene import (
    M5,
    Growing,
    Slow,
    Still,
    Tail,
    answer,
    attached,
    attached_to_first,
    same,
)
from tests.control.fake import BAR, a_view, serving
from tests.support.patience import patient
from tests.support.waits import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


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
