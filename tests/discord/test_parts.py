"""The parts that need no connection."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.config import DiscordTiming
from adapters.discord.messages import EPOCH_MS, MS, RoomMessage, created_ts, first_id_at, iso_ts
from adapters.discord.pacing import ConnectionPacing
from adapters.discord.read_state import KEPT, KnownMessage, ReadState
from adapters.discord.text import LONGEST, NO_TEXT, cut, digest, text_of
from engine.model.events import AlertKind
from tests.discord import rows
from tests.discord.rows import embed
from tests.support.virtual_loop import play

CHANNEL, MESSAGE = 5, 77


def of(content: Any = "", **more: Any) -> str:
    row = rows.message(1, CHANNEL, rows.Author(1, "a"), "") | {"content": content} | more
    return text_of(msgspec.convert(row, RoomMessage), previews=True, forwards=True)


def test_text_that_cannot_be_written_is_replaced_and_all_else_passes() -> None:
    assert of("half a pair \ud83d here") == "half a pair ? here"
    assert of("\x00\u202e\ufeff\x1b[0m") == "\x00\u202e\ufeff\x1b[0m"


def test_parts_that_are_null_or_missing_are_no_text() -> None:
    assert of(None, embeds=None, components=None) == NO_TEXT
    assert of(" \n", embeds=[{}, {"type": None, "title": None, "fields": [{"name": None}]}]) == NO_TEXT
    assert of(embeds=[embed(title="a") | {"type": "link"}]) == NO_TEXT


words = st.text(max_size=40)
embeds = st.lists(
    st.builds(
        lambda title, description, fields: embed(title=title, description=description, fields=fields),
        words,
        words,
        st.lists(st.tuples(words, words), max_size=3),
    ),
    max_size=3,
)


@given(words, embeds, st.lists(words, max_size=2))
def test_every_word_is_in_the_text(content: str, cards: list[dict[str, Any]], forwarded: list[str]) -> None:
    snapshots = [{"message": {"content": text}} for text in forwarded]
    text = of(content, embeds=cards, message_snapshots=snapshots)
    pieces = [content, *forwarded]
    for card in cards:
        pieces += [card["title"], card["description"]]
        pieces += [word.strip() for field in card["fields"] for word in (field["name"], field["value"])]
    for piece in pieces:
        if piece.strip():
            assert piece.encode("utf-8", "replace").decode() in text
    assert text.encode()
    assert len(digest(text)) == 16


@given(st.text(max_size=60).map(lambda text: text * 500))
def test_a_cut_text_is_bounded_and_says_so(text: str) -> None:
    short = cut(text)
    assert len(short) <= LONGEST
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@given(st.integers(min_value=EPOCH_MS, max_value=EPOCH_MS + 2**41))
def test_snowflakes_and_times_agree(ms: int) -> None:
    ns = ms * MS
    assert created_ts(first_id_at(ns)) == ns
    assert first_id_at(ns) <= first_id_at(ns) + 2**22 - 1 < first_id_at(ns + MS)


@given(st.datetimes(min_value=datetime(2015, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_stamps_are_exact_to_the_microsecond(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    ns = iso_ts(aware.isoformat())
    assert ns % 1_000_000_000 == moment.microsecond * 1_000
    assert ns // 1_000_000_000 == int(aware.replace(microsecond=0).timestamp())


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-99-01T00:00:00+00:00"])
def test_what_is_no_stamp_is_never(text: str | None) -> None:
    assert iso_ts(text) == 0


def version(number: int) -> KnownMessage:
    """The message after so many edits."""
    return KnownMessage(author="1", digest=f"text {number}", edited=number * 1_000)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_revisions_are_told_once_and_never_backwards(sightings: list[tuple[bool, int]]) -> None:
    """Pages of history and live events in any order, late and repeated ones among them."""
    read_state = ReadState({}, lambda: None)
    told: list[int] = []
    for live, number in sightings:
        seen = version(number)
        if live:
            see = read_state.posted if number == 0 else read_state.changed
            kind = see(CHANNEL, MESSAGE, seen)
        else:
            kind = read_state.found(CHANNEL, MESSAGE, seen, 0)
        if kind is not None:
            assert kind is (AlertKind.EDITED if told else AlertKind.POSTED)
            told.append(number)
    assert told == sorted(set(told))
    assert told[-1] == max(number for _, number in sightings)
    assert read_state.delete(CHANNEL, MESSAGE, live=True) == version(told[-1]).__class__(
        author="1", digest=f"text {told[-1]}", edited=told[-1] * 1_000, gone=True
    )
    assert read_state.delete(CHANNEL, MESSAGE, live=True) is None
    assert read_state.found(CHANNEL, MESSAGE, version(9), 0) is None


@given(st.lists(st.sampled_from(["live", "gap", "caught up"]), max_size=30))
def test_what_counts_as_read_never_passes_a_message_that_can_be_missing(steps: list[str]) -> None:
    read_state = ReadState({}, lambda: None)
    read_state.caught_up(CHANNEL, 1)
    number, certain, gap = 1, 1, False
    for step in steps:
        match step:
            case "live":
                number += 1
                read_state.handled(CHANNEL, number)
                certain = certain if gap else number
            case "gap":
                read_state.interrupt()
                gap = True
            case "caught up":
                read_state.watch_live(CHANNEL)
                read_state.caught_up(CHANNEL, number)
                certain, gap = number, False
        assert read_state.channel(CHANNEL).last == certain


def test_the_read_state_is_bounded_and_keeps_the_newest() -> None:
    read_state = ReadState({}, lambda: None)
    for number in range(1, KEPT * 2):
        read_state.posted(CHANNEL, number, version(0))
    known = read_state.channel(CHANNEL).known
    assert set(known) == set(range(KEPT, KEPT * 2))


def test_a_thread_begins_where_the_channel_above_it_was_read() -> None:
    read_state = ReadState({}, lambda: None)
    read_state.caught_up(CHANNEL, 40)
    assert read_state.channel(CHANNEL + 1, CHANNEL).last == 40
    read_state.handled(CHANNEL + 1, 50)
    assert read_state.channel(CHANNEL + 1).last == 50


def test_logins_stay_within_a_thousand_a_day() -> None:
    async def a_day() -> list[float]:
        loop = asyncio.get_running_loop()
        pacing = ConnectionPacing(DiscordTiming(), random.Random(1))
        start, gaps = loop.time(), []
        while (before := loop.time()) < start + 86_400:
            await pacing.before_login()
            gaps.append(loop.time() - before)
        return gaps

    gaps = play(a_day())
    assert 900 < len(gaps) < 1_000
    assert gaps[0] == 0
    assert min(gaps[1:]) == pytest.approx(5.0)
    assert max(gaps) < 97


def test_attempts_slow_down_and_a_good_hour_makes_them_quick_again() -> None:
    async def scenario() -> None:
        pacing = ConnectionPacing(DiscordTiming(), random.Random(1))
        pauses = [pacing.pause_s() for _ in range(12)]
        assert pauses[0] == 0
        assert 0.25 <= pauses[1] <= 0.5
        assert all(15 <= pause <= 30 for pause in pauses[-4:])
        pacing.went_live()
        await asyncio.sleep(5)
        pacing.lost()
        assert pacing.pause_s() >= 15, "a connection of seconds is no success"
        pacing.went_live()
        await asyncio.sleep(3_600)
        pacing.lost()
        assert pacing.pause_s() == 0

    play(scenario())
