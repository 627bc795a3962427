"""What doors of a run write down, and what of it the engine tells."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from adapters.control.access import AccessLog, Door, Visitor
from adapters.notify.content.message import NewsEvent
from adapters.notify.content.news import event_of
from engine.model import events as ev
from engine.model.commands import Pause
from engine.model.errors import RefusedError
from engine.model.notices import Notice, NoticeKind, Severity
from tests.control.fake import FakeHandle, a_view, serving
from tests.support.alert_room import at_work
from tests.support.waits import until
from tstream.cli import call
from tstream.paths import find
from tstream.run.doors import access_log, by_telegram


class Hearing(FakeHandle):
    """An engine that hears news."""

    def __init__(self) -> None:
        super().__init__(a_view())
        self.heard: list[ev.AnyEvent] = []

    def hear(self, event: ev.AnyEvent) -> None:
        self.heard.append(event)


async def test_news_of_a_door_reach_the_engine_and_commands_of_telegram_are_written_down(
    tmp_path: Path,
) -> None:
    paths, engine = find({"TSTREAM_HOME": str(tmp_path)}), Hearing()
    who = Visitor(door=Door.WEB, origin="10.0.0.9", address="10.0.0.9:1234")
    with access_log(engine, paths, lambda: 5) as access:  # type: ignore[arg-type]
        access.news("wrong login", Severity.WARNING, "a wrong login from 10.0.0.9", who)
        await until(lambda: engine.heard)
        told = ev.SecurityTold(ts_recv=5, severity=Severity.WARNING, text="a wrong login from 10.0.0.9")
        assert engine.heard == [told]
        held = by_telegram(engine, access)
        assert held.ask(Pause(id="t1", source="telegram")).result().text == "did t1"
        engine.error = RefusedError("the engine has stopped")
        with pytest.raises(RefusedError):
            held.ask(Pause(id="t2", source="telegram")).result()
        assert held.view().ts == engine.view().ts
    lines = [json.loads(line) for line in paths.access_log.read_text(encoding="utf-8").splitlines()]
    assert [(one["event"], one["door"], one["detail"]) for one in lines] == [
        ("news", "web", "warning"),
        ("commanded", "telegram", "did t1"),
        ("commanded", "telegram", "the engine has stopped"),
    ]


async def test_whoever_changes_a_token_is_heard_by_those_who_watch_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path))
    assert call(["token", "create", "early"]) == 0, "without an engine it is made all the same"
    told: list[tuple[Severity, str]] = []
    with AccessLog(tmp_path / "access", lambda: 0, lambda *news: told.append(news)) as access:
        async with serving(Hearing(), find().control_socket, access=access):
            for words in (["create", "script", "--scope", "trade"], ["revoke", "script"]):
                assert await asyncio.to_thread(call, ["token", *words]) == 0
    assert told == [
        (Severity.WARNING, "a token of the API was made: script may read, trade"),
        (Severity.WARNING, "a token of the API was revoked: script"),
    ]


@pytest.mark.parametrize(
    ("severity", "event"), [(Severity.WARNING, NewsEvent.RISK), (Severity.INFO, NewsEvent.STATUS)]
)
def test_the_core_tells_it_writes_no_record_and_channels_get_it(severity: Severity, event: NewsEvent) -> None:
    bench, _ = at_work()
    bench.step(ev.SecurityTold(ts_recv=bench.now, severity=severity, text="“[bold]x”"))
    notice: Notice = bench.notices[-1]
    assert (notice.kind, notice.severity, notice.text) == (NoticeKind.SECURITY, severity, "“[bold]x”")
    assert event_of(notice) is event
    assert bench.core.turn.records == []
