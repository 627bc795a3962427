"""What is read of a room, and of whom."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.discord.messages import created_ts
from adapters.discord.text import LONGEST, NO_TEXT
from engine.model.events import AlertKind, AlertReceived
from tests.discord import rows
from tests.discord.fake import CHANNEL, FakeDiscord
from tests.discord.rows import Author, embed
from tests.discord.scenes import (
    ALERT,
    ANALYST,
    HOOK,
    OTHER,
    RELAY,
    ROOM,
    STRANGER,
    Heard,
    config_for,
    listening,
)

ELSEWHERE = CHANNEL + 1


async def fence(fake: FakeDiscord, heard: Heard, **more: Any) -> list[AlertReceived]:
    """What was told of all that happened before: a last message comes after it."""
    end = str(fake.post(ANALYST, "that is all", **more))
    await heard.until(lambda: any(alert.message_id == end for alert in heard.alerts))
    return [alert for alert in heard.alerts if alert.message_id != end]


@pytest.mark.parametrize("author", [ANALYST, RELAY, HOOK], ids=["person", "bot", "webhook"])
async def test_an_alert_is_told_whoever_posts_it(author: Author) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        before = time.time_ns()
        number = fake.post(author, ALERT)
        alert = await heard.alert()
    assert alert == AlertReceived(
        ts_recv=alert.ts_recv,
        ts_venue=created_ts(number),
        room="twi",
        message_id=str(number),
        revision=alert.revision,
        kind=AlertKind.POSTED,
        author=str(author.id),
        text=ALERT,
        posted_ts=created_ts(number),
        caught_up=False,
    )
    assert before // 1_000_000 * 1_000_000 <= alert.posted_ts <= alert.ts_recv
    assert alert.ts_recv - alert.posted_ts < 5e9


async def test_an_alert_in_an_embed_reads_like_one_in_words() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fields = [("Stop", "6316"), ("Targets:", "6333"), ("", "half off"), ("\u200b", "")]
        card = embed(title="🚨 ES long 6326: A", description="ES idea", fields=fields, author="JMoney")
        fake.post(HOOK, "@everyone", embeds=[card | {"footer": {"text": "12 s ago"}}])
        alert = await heard.alert()
    told = "@everyone\nJMoney\n🚨 ES long 6326: A\nES idea\nStop: 6316\nTargets: 6333\nhalf off"
    assert alert.text.rstrip("\n\u200b") == told


async def test_a_forwarded_alert_is_read_only_where_forwards_are() -> None:
    forwarded: dict[str, Any] = {
        "message_snapshots": [{"message": {"content": "", "embeds": [embed(description=ALERT)]}}],
        "message_reference": {"type": 1, "channel_id": "1", "message_id": "2"},
    }
    async with FakeDiscord() as fake:
        async with listening(config_for(fake)) as (_, heard):
            fake.post(ANALYST, **forwarded)
            assert (await heard.alert()).text == ALERT
        async with listening(config_for(fake, replace(ROOM, forwards=False))) as (_, heard):
            fake.post(ANALYST, **forwarded)
            await heard.until(lambda: len(heard.alerts) > 1)
            assert heard.alerts[-1].text == NO_TEXT


@pytest.mark.parametrize("known_by", ["snapshot", "reference", "both"])
@pytest.mark.parametrize("kind", ["forwarded", "sent on"])
async def test_f44_what_is_sent_on_is_as_old_as_when_it_was_first_posted(known_by: str, kind: str) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        first = fake.snowflake(age_s=3 * 3600)
        own = {"timestamp": rows.iso(created_ts(first))} if known_by != "reference" else {}
        reference = {"message_id": str(first)} if known_by != "snapshot" else {}
        sent: dict[str, Any] = {"message_reference": {"type": 1, "channel_id": "1", **reference}}
        if kind == "forwarded":
            fake.post(ANALYST, message_snapshots=[{"message": {"content": ALERT, **own}}], **sent)
        else:
            fake.post(HOOK, ALERT, flags=2, **sent)
        alert = await heard.alert()
    assert alert.text == ALERT
    if kind == "sent on" and known_by == "snapshot":
        assert alert.caught_up, "nobody knows how old it is"
    else:
        assert alert.posted_ts // 1_000_000 == created_ts(first) // 1_000_000
        assert alert.ts_venue > alert.posted_ts + 3600 * 1_000_000_000, "its revision is of now"


async def test_f44_a_forwarded_message_of_unknown_age_is_never_fresh() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        for stamp in ({}, {"timestamp": "yesterday"}):
            fake.post(ANALYST, message_snapshots=[{"message": {"content": ALERT, **stamp}}])
        fake.post(ANALYST, ALERT, type=19, message_reference={"message_id": str(fake.snowflake(age_s=9000))})
        told = await fence(fake, heard)
    assert [alert.caught_up for alert in told] == [True, True, False], "an answer is as old as itself"


async def test_text_in_components_is_read() -> None:
    shown = {"type": 17, "components": [{"type": 9, "components": [{"type": 10, "content": ALERT}]}]}
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.post(RELAY, components=[shown, {"type": 1, "components": [{"type": 2, "label": "buy"}]}])
        assert (await heard.alert()).text == ALERT


async def test_an_edit_right_after_the_message_does_not_change_what_was_told_of_it() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        number = fake.post(ANALYST, ALERT)
        fake.edit(number, OTHER)
        await heard.alert(2)
    first, second = heard.alerts
    assert (first.kind, first.text) == (AlertKind.POSTED, ALERT)
    assert (second.kind, second.text) == (AlertKind.EDITED, OTHER)
    assert first.message_id == second.message_id == str(number)
    assert first.revision != second.revision
    assert second.posted_ts == first.posted_ts < second.ts_venue


async def test_f30_each_revision_is_told_once_and_one_that_comes_back_is_a_new_one() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        number = fake.post(ANALYST, ALERT)
        fake.edit(number, OTHER)
        fake.edit(number, OTHER)
        fake.edit(number, OTHER, pinned=True, by_author=False)
        fake.edit(number, ALERT)
        told = await fence(fake, heard)
    assert [alert.text for alert in told] == [ALERT, OTHER, ALERT]
    assert len({alert.revision for alert in told}) == 3


async def test_a_preview_that_discord_adds_is_no_edit() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        number = fake.post(ANALYST, f"{ALERT}\nhttps://example.org")
        fake.edit(number, by_author=False, embeds=[embed(title="ES short 1: C", description="Stop: 9")])
        hook = fake.post(HOOK, "https://example.org")
        fake.edit(hook, by_author=False, embeds=[embed(title="News") | {"type": "article"}])
        told = await fence(fake, heard)
    assert [alert.text for alert in told] == [f"{ALERT}\nhttps://example.org", "https://example.org"]


async def test_f30_deletions_are_told_of_alerts_that_were_told() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        single, first, second = (fake.post(ANALYST, text) for text in (ALERT, OTHER, ALERT))
        chatter = fake.post(STRANGER, "hello")
        fake.delete(single)
        fake.delete(chatter, first, second)
        told = (await fence(fake, heard))[3:]
    assert [alert.message_id for alert in told] == [str(single), str(first), str(second)]
    assert {(alert.kind, alert.text, alert.author) for alert in told} == {
        (AlertKind.DELETED, "", str(ANALYST.id))
    }


async def test_f30_an_alert_posted_again_is_another_message() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.delete(fake.post(ANALYST, ALERT))
        fake.post(ANALYST, ALERT)
        told = await fence(fake, heard)
    assert [alert.kind for alert in told] == [AlertKind.POSTED, AlertKind.DELETED, AlertKind.POSTED]
    assert told[0].message_id != told[2].message_id


async def test_others_and_other_channels_are_counted_and_not_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "adapters.discord")
    async with FakeDiscord() as fake:
        fake.channels[ELSEWHERE] = rows.channel(ELSEWHERE, rows.TEXT, "chat")
        async with listening(config_for(fake)) as (source, heard):
            number = fake.post(STRANGER, "my own words")
            fake.edit(number, "my other words")
            fake.delete(number)
            fake.post(ANALYST, ALERT, channel=ELSEWHERE)
            assert await fence(fake, heard) == []
    assert source.counts["messages of others"] == 2
    assert source.counts["other channels"] == 1
    assert source.counts["alerts"] == 1
    assert f"author {STRANGER.id} (stranger) is not read" in caplog.text
    assert "words" not in caplog.text


@pytest.mark.parametrize(
    "spoofer",
    [
        Author(1_111, "someone", nick="twi_jmoney"),
        Author(1_112, "Twinsight Bot", bot=True, discriminator="0001"),
        Author(1_113, "twi_jmoney", webhook=True),
    ],
    ids=["nickname", "bot of the same name", "webhook of the same name"],
)
async def test_a_spoofed_name_is_not_let_in(spoofer: Author) -> None:
    room = replace(ROOM, author_names=("twi_jmoney", "Twinsight Bot#7577"))
    async with FakeDiscord() as fake, listening(config_for(fake, room)) as (source, heard):
        fake.post(spoofer, ALERT)
        assert await fence(fake, heard) == []
    assert source.counts["messages of others"] == 1


async def test_a_name_is_a_fallback_that_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    room = replace(ROOM, authors=frozenset(), author_names=("TWI_jmoney", "Twinsight Bot #7577"))
    async with FakeDiscord() as fake, listening(config_for(fake, room)) as (_, heard):
        for author in (ANALYST, RELAY, ANALYST):
            fake.post(author, ALERT)
        await heard.alert(3)
        fake.delete(int(heard.alerts[0].message_id))
        assert (await heard.alert(4)).kind is AlertKind.DELETED
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [w for w in warnings if "by its name alone" in w and str(ANALYST.id) in w]
    assert len(warnings) == 2


async def test_replies_are_read_where_the_room_says_so() -> None:
    answer: dict[str, Any] = {
        "type": 19,
        "message_reference": {"message_id": "1", "channel_id": str(CHANNEL)},
    }
    async with FakeDiscord() as fake:
        async with listening(config_for(fake)) as (_, heard):
            fake.post(ANALYST, "out half", **answer)
            assert (await heard.alert()).text == "out half"
        async with listening(config_for(fake, replace(ROOM, replies=False))) as (source, heard):
            fake.post(ANALYST, "all out", **answer)
            assert "all out" not in {alert.text for alert in await fence(fake, heard)}
            assert source.counts["replies"] > 0


async def test_threads_are_read_where_the_room_says_so() -> None:
    async with FakeDiscord() as fake:
        early = fake.begin_thread()
        async with listening(config_for(fake, replace(ROOM, threads=True))) as (_, heard):
            late = fake.begin_thread()
            fake.post(ANALYST, ALERT, channel=early)
            fake.post(ANALYST, OTHER, channel=late)
            told = await fence(fake, heard)
            assert [alert.text for alert in told] == [ALERT, OTHER]
        async with listening(config_for(fake)) as (_, heard):
            fake.post(ANALYST, "in a thread", channel=late)
            assert "in a thread" not in {alert.text for alert in await fence(fake, heard)}


async def test_a_bot_is_not_lent_to_whoever_calls_its_commands() -> None:
    def called(by: Author) -> dict[str, Any]:
        user = {"id": str(by.id), "username": by.name}
        return {"type": 20, "interaction_metadata": {"id": "5", "type": 2, "user": user}}

    async with FakeDiscord() as fake, listening(config_for(fake)) as (source, heard):
        fake.post(RELAY, ALERT, **called(STRANGER))
        fake.post(RELAY, ALERT, type=20)
        fake.post(RELAY, OTHER, **called(ANALYST))
        told = await fence(fake, heard)
    assert [alert.text for alert in told] == [OTHER]
    assert source.counts["commands of others"] == 2


async def test_notes_of_discord_itself_are_no_alerts() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (source, heard):
        fake.post(ANALYST, "", type=6)
        assert await fence(fake, heard) == []
    assert source.counts["system messages"] == 1


async def test_hostile_text_is_data_and_bounded() -> None:
    nasty = "\x00\x1b[31m\u202eES long\u200b\ufeff\n'; DROP TABLE alerts; --\n[red]@everyone[/red]"
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.post(ANALYST, nasty)
        fake.post(ANALYST, "🚨" * 1_000_000 + "\n" * 1_000_000)
        fake.post(ANALYST, "", stickers=[])
        told = await fence(fake, heard)
    assert told[0].text == nasty
    assert len(told[1].text) == LONGEST
    assert told[1].text.endswith("🚨…")
    assert told[2].text == NO_TEXT


async def test_a_message_in_an_unknown_shape_is_counted_and_ends_nothing() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (source, heard):
        for odd in ({"content": 5}, {"embeds": "x"}):
            fake.post(ANALYST, ALERT, **odd)
        fake.gateway.tell("MESSAGE_CREATE", {"id": "x", "channel_id": str(CHANNEL)})
        fake.gateway.tell("MESSAGE_CREATE", ["what"])
        fake.gateway.tell("MESSAGE_DELETE", {"id": None})
        fake.gateway.tell("MESSAGE_UPDATE", {"id": "5", "channel_id": str(CHANNEL), "embeds": []})
        assert await fence(fake, heard) == []
    assert source.counts["unreadable"] == 5
    assert source.counts["partial updates"] == 1
    assert heard.states().count(heard.links()[-1].state) == 1, "one connection all along"


async def test_in_practice_time_an_alert_is_as_old_as_it_really_is() -> None:
    shift = 77 * 86_400 * 1_000_000_000

    def practice() -> int:
        return time.time_ns() - shift

    async with FakeDiscord() as fake, listening(config_for(fake), practice) as (_, heard):
        number = fake.post(ANALYST, ALERT, age_s=3.0)
        alert = await heard.alert()
    assert abs(alert.posted_ts - (created_ts(number) - shift)) < 1e9
    assert 3.0e9 <= alert.ts_recv - alert.posted_ts < 10e9


async def test_a_clock_that_is_late_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        fake.post(ANALYST, ALERT, age_s=-10.0)
        fake.post(ANALYST, ALERT, age_s=-20.0)
        await heard.alert(2)
    assert sum("clock is" in record.getMessage() for record in caplog.records) == 1


async def test_two_rooms_are_told_apart() -> None:
    async with FakeDiscord() as fake:
        fake.channels[ELSEWHERE] = rows.channel(ELSEWHERE, rows.TEXT, "options")
        options = replace(ROOM, name="options", channels=frozenset({ELSEWHERE}), authors=frozenset({HOOK.id}))
        async with listening(config_for(fake, rooms=(ROOM, options))) as (_, heard):
            fake.post(ANALYST, ALERT)
            fake.post(ANALYST, ALERT, channel=ELSEWHERE)
            fake.post(HOOK, OTHER, channel=ELSEWHERE)
            await heard.alert(2)
    assert [(alert.room, alert.text) for alert in heard.alerts] == [("twi", ALERT), ("options", OTHER)]


async def test_ten_alerts_at_once_come_in_order_and_soon() -> None:
    async with FakeDiscord() as fake, listening(config_for(fake)) as (_, heard):
        numbers = [fake.post(ANALYST, f"{ALERT} {n}") for n in range(10)]
        await heard.alert(10)
    assert [int(alert.message_id) for alert in heard.alerts] == numbers
