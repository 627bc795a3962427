"""What was posted, changed and deleted while nobody listened."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.common.files import replace_file
from adapters.discord import read_state as reading
from adapters.discord.read_state import ReadState, ReadStateFile
from engine.model.events import AlertKind, LinkState
from tests.discord.fake import CHANNEL, FakeDiscord, Reply, too_many
from tests.discord.scenes import (
    ALERT,
    ANALYST,
    HOOK,
    OTHER,
    QUICK,
    ROOM,
    STRANGER,
    config_for,
    listening,
    read_once,
)
from tests.support.patience import patient
from tests.support.waits import PATIENCE_S


@pytest.mark.parametrize("how", ["drop", "close", "op 7", "op 9"])
async def test_f30_an_alert_in_the_middle_of_a_reconnect_is_told_once(how: str) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.post(ANALYST, "before")
        await heard.alert()
        match how:
            case "drop":
                fake.gateway.drop()
            case "close":
                fake.gateway.close(4000)
            case "op 7":
                fake.gateway.reconnect()
            case "op 9":
                fake.gateway.invalidate(resumable=True)
        number = fake.post(ANALYST, ALERT)
        fake.edit(number, OTHER)
        await heard.live(times=2)
        assert len(fake.gateway.resumed) == 1
        assert heard.told[1:] == [(AlertKind.POSTED, ALERT), (AlertKind.EDITED, OTHER)]
        assert LinkState.DOWN in heard.states()


@pytest.mark.parametrize("how", ["forgotten", "op 9"])
async def test_f30_without_a_resume_the_history_has_the_alert(how: str) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.post(ANALYST, "before")
        await heard.alert()
        if how == "op 9":
            fake.gateway.invalidate(resumable=False)
        else:
            fake.gateway.forget()
            fake.gateway.drop()
        fake.post(ANALYST, ALERT, told=False)
        await heard.live(times=2)
        assert len(fake.gateway.identified) == 2
        assert heard.told[1:] == [(AlertKind.POSTED, ALERT)]
        assert not heard.alerts[1].caught_up, "fresh enough to be traded"


async def test_f30_the_same_alert_by_two_paths_is_told_once() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake), live=False) as (source, heard):
        numbers: list[int] = []
        fake.history_script.append(Reply(200, before=lambda: numbers.append(fake.post(ANALYST, ALERT))))
        await heard.live()
        fake.gateway.reconnect()
        await heard.live(times=2)
        fake.gateway.tell("MESSAGE_CREATE", fake.messages[CHANNEL][numbers[0]])
        fake.post(ANALYST, "end")
        await heard.until(lambda: heard.alerts[-1].text == "end")
        assert heard.told == [(AlertKind.POSTED, ALERT), (AlertKind.POSTED, "end")]
        assert source.counts["read before"] >= 1


@pytest.mark.parametrize("stamped", [True, False])
async def test_f30_a_page_that_is_older_than_a_live_edit_does_not_undo_it(stamped: bool) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        number = fake.post(HOOK, ALERT)
        await heard.alert()
        page = json.loads(json.dumps([fake.messages[CHANNEL][number]]))

        async def edit() -> None:
            fake.edit(number, OTHER, by_author=stamped)
            await heard.alert(2)

        fake.history_script.append(Reply(200, page, before=edit))
        fake.gateway.reconnect()
        await heard.live(times=2)
        await heard.alert(2)
        fake.gateway.reconnect()
        await heard.live(times=3)
        assert heard.told == [(AlertKind.POSTED, ALERT), (AlertKind.EDITED, OTHER)]


async def test_f30_backlog_beyond_the_age_limit_is_marked(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "rooms" / "discord.json")
        fake.post(STRANGER, "so that something was read", age_s=1000)
        async with listening(config) as (_, heard):
            assert heard.alerts == []
        old = fake.post(ANALYST, ALERT, age_s=120, told=False)
        fake.post(STRANGER, "chatter", age_s=110, told=False)
        fresh = fake.post(HOOK, OTHER, age_s=20, told=False)
        async with listening(config) as (_, heard):
            assert [(a.message_id, a.caught_up) for a in heard.alerts] == [
                (str(old), True),
                (str(fresh), False),
            ]
            assert heard.alerts[0].ts_recv - heard.alerts[0].posted_ts > 119e9
        async with listening(config) as (_, heard):
            assert heard.alerts == [], "told by the run before"


async def test_f30_the_first_time_only_what_is_fresh_is_told() -> None:
    async with FakeDiscord() as fake:
        old = fake.post(ANALYST, ALERT, age_s=3600)
        fresh = fake.post(ANALYST, OTHER, age_s=5)
        async with listening(config_for(fake)) as (_, heard):
            assert [alert.message_id for alert in heard.alerts] == [str(fresh)]
            fake.edit(old, "done: +10")
            assert (await heard.alert(2)).kind is AlertKind.EDITED
            assert heard.alerts[1].message_id == str(old)


async def test_f30_edits_and_deletions_that_were_missed_are_found(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json")
        async with listening(config) as (_, heard):
            first, second, third = (fake.post(ANALYST, f"{ALERT} {n}") for n in range(3))
            await heard.alert(3)
        fake.edit(first, OTHER, told=False)
        fake.delete(second, told=False)
        async with listening(config) as (_, heard):
            told = {(alert.kind, alert.message_id, alert.text, alert.caught_up) for alert in heard.alerts}
        assert told == {
            (AlertKind.EDITED, str(first), OTHER, False),
            (AlertKind.DELETED, str(second), "", True),
        }
        async with listening(config) as (_, heard):
            assert heard.alerts == []
        assert str(third) in (tmp_path / "discord.json").read_text()


async def test_a_message_that_a_page_leaves_out_is_not_taken_for_deleted() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        number = fake.post(ANALYST, ALERT)
        await heard.alert()
        fake.history_script.append(Reply(200, []))
        fake.gateway.reconnect()
        await heard.live(times=2)
        assert ("GET", f"channels/{CHANNEL}/messages/{number}", {}) in fake.requests
        assert heard.told == [(AlertKind.POSTED, ALERT)]


async def test_a_room_that_may_not_be_read_any_more_is_told_and_changes_nothing() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.post(ANALYST, ALERT)
        await heard.alert()
        fake.hidden.add(CHANNEL)
        fake.gateway.reconnect()
        stale = await heard.state(LinkState.STALE, "can't be read")
        assert "room twi" in stale.detail
        assert "Read Message History" in stale.detail
        fake.hidden.clear()
        await heard.live(times=2)
        assert heard.told == [(AlertKind.POSTED, ALERT)]


@pytest.mark.parametrize("lost", ["View Channel", "Read Message History"])
async def test_a_missing_permission_is_named(lost: str) -> None:
    async with FakeDiscord() as fake:
        fake.allowed = 0 if lost == "View Channel" else fake.allowed & ~(1 << 16)
        async with listening(config_for(fake), live=False) as (_, heard):
            assert lost in (await heard.state(LinkState.STALE)).detail
        assert fake.asked() == [], "an empty answer would look like an empty room"


async def test_a_channel_that_is_not_there_is_told() -> None:
    async with FakeDiscord() as fake:
        nowhere = replace(ROOM, channels=frozenset({CHANNEL, 404}))
        async with listening(config_for(fake, nowhere), live=False) as (_, heard):
            stale = await heard.state(LinkState.STALE)
            assert "channel 404" in stale.detail
            assert "not on its server" in stale.detail
            fake.post(ANALYST, ALERT)
            assert (await heard.alert()).text == ALERT, "the other channel is read all the same"


async def test_a_long_gap_is_read_in_pages_and_in_order(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json")
        await read_once(fake, config)
        numbers = [fake.post(ANALYST, f"alert {n}", told=False) for n in range(250)]
        fake.requests.clear()
        async with listening(config) as (_, heard):
            assert [int(alert.message_id) for alert in heard.alerts] == numbers
        assert [query.get("limit") for query in fake.asked()] == ["100"] * 3


async def test_a_gap_beyond_reach_is_said_and_the_newest_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json", history_limit=100)
        await read_once(fake, config)
        numbers = [fake.post(ANALYST, f"alert {n}", told=False) for n in range(120)]
        async with listening(config) as (_, heard):
            assert [int(alert.message_id) for alert in heard.alerts] == numbers[20:]
    assert "over 100 messages were posted meanwhile" in caplog.text


async def test_a_rate_limit_of_the_history_is_waited_out() -> None:
    async with FakeDiscord() as fake:
        fake.history_script.extend([too_many(), too_many()])
        fake.post(ANALYST, ALERT, age_s=5)
        async with listening(config_for(fake)) as (_, heard):
            assert heard.told == [(AlertKind.POSTED, ALERT)]
        assert len(fake.asked()) == 3


async def test_a_failing_history_is_not_live_and_is_tried_again() -> None:
    async with FakeDiscord() as fake:
        fake.history_script.extend([Reply(503, {"message": "no", "code": 0}), Reply(200, [{"odd": 1}])])
        async with listening(config_for(fake), live=False) as (_, heard):
            await heard.state(LinkState.STALE, "HTTP 503")
            await heard.state(LinkState.STALE, "makes no sense")
            await heard.live()
            assert heard.states().index(LinkState.STALE) < heard.states().index(LinkState.LIVE)


async def test_a_catching_up_that_is_cut_short_begins_again_where_it_began(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json")
        await read_once(fake, config)
        missed = fake.post(ANALYST, ALERT, told=False)

        def cut() -> None:
            fake.post(ANALYST, OTHER)
            fake.gateway.forget()
            fake.gateway.drop()

        fake.history_script.append(Reply(500, {}, before=cut))
        async with listening(config) as (_, heard):
            assert {alert.text for alert in heard.alerts} == {ALERT, OTHER}
            assert str(missed) in {alert.message_id for alert in heard.alerts}
            assert len(heard.alerts) == 2


async def test_f30_a_live_message_does_not_hide_the_gap_before_it(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json")
        fake.post(ANALYST, "before", age_s=5000)
        async with listening(config) as (_, heard):
            fake.history_script.append(Reply(403, {"message": "not now", "code": 50001}))
            fake.gateway.forget()
            fake.gateway.drop()
            missed = [fake.post(ANALYST, f"missed {n}", told=False, age_s=4000 - n) for n in range(2)]
            await heard.state(LinkState.STALE)
            fake.hidden.add(CHANNEL)
            fake.post(ANALYST, ALERT)
            await heard.alert()
        fake.hidden.clear()
        async with listening(config) as (_, heard):
            assert [int(alert.message_id) for alert in heard.alerts] == missed


async def test_what_others_posted_is_not_read_again(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json")
        async with listening(config) as (_, heard):
            for _n in range(150):
                fake.post(STRANGER, "chatter")
            fake.post(ANALYST, ALERT)
            await heard.alert()
        fake.requests.clear()
        async with listening(config):
            assert len(fake.asked()) == 1


async def test_a_deletion_by_who_is_no_longer_on_the_list_is_not_told(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, read_state=tmp_path / "discord.json")
        async with listening(config) as (_, heard):
            numbers = [fake.post(author, ALERT) for author in (ANALYST, HOOK)]
            await heard.alert(2)
        fake.delete(*numbers, told=False)
        hook_only = replace(ROOM, authors=frozenset({HOOK.id}))
        async with listening(replace(config, rooms=(hook_only,))) as (_, heard):
            assert [(alert.kind, alert.author) for alert in heard.alerts] == [
                (AlertKind.DELETED, str(HOOK.id))
            ]


async def test_a_write_that_is_under_way_at_the_end_is_followed_by_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "discord.json"
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: Path, content: bytes) -> None:
        begun.set()
        assert go_on.wait(patient(PATIENCE_S))
        replace_file(path, content)

    monkeypatch.setattr(reading, "replace_file", slow)
    file = ReadStateFile(path, 0.0)
    read_state = ReadState({}, file.changed)
    writing = asyncio.create_task(file.run(read_state))
    read_state.caught_up(1, 10)
    assert await asyncio.to_thread(begun.wait, patient(PATIENCE_S))
    read_state.caught_up(1, 20)
    writing.cancel()
    last = asyncio.create_task(file.save(read_state))
    await asyncio.gather(writing, return_exceptions=True)
    go_on.set()
    await last
    assert file.load()[1].last == 20


async def test_what_the_gateway_never_told_is_found_by_looking_again() -> None:
    async with FakeDiscord() as fake:
        config = config_for(fake, timing=replace(QUICK, recheck_s=0.05))
        async with listening(config) as (_, heard):
            lost = fake.post(ANALYST, ALERT, told=False)
            fake.post(ANALYST, OTHER)
            await heard.alert(2)
            assert {alert.message_id for alert in heard.alerts} >= {str(lost)}
            fake.edit(lost, "changed", told=False)
            assert (await heard.alert(3)).kind is AlertKind.EDITED
            fake.delete(lost, told=False)
            assert (await heard.alert(4)).kind is AlertKind.DELETED


async def test_a_lost_read_state_is_no_reason_to_give_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "discord.json"
    path.write_text('{"123": [')
    async with FakeDiscord() as fake, listening(config_for(fake, read_state=path)) as (_, heard):
        fake.post(ANALYST, "secret words")
        await heard.alert()
    assert "is lost" in caplog.text
    assert str(CHANNEL) in path.read_text()
    assert "secret" not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


async def test_a_full_disk_stops_no_alert(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "discord.json"
    async with FakeDiscord() as fake, listening(config_for(fake, read_state=path)) as (_, heard):
        fake.post(ANALYST, ALERT)
        await heard.alert()
    assert "can't be written" in caplog.text
