"""News and posts from loopback services: read once, counted once, paid for within the cap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.common.child_environment import child_environment
from adapters.common.http_calls import HttpCaller
from adapters.sentiment.config import MoodConfig, ServiceKeys, SourceKind, TextSource
from adapters.sentiment.memory import ReadingMemory
from adapters.sentiment.process import MoodProcess
from adapters.sentiment.reader import SourceReading, readings
from adapters.sentiment.sources.x import SpentError
from adapters.sentiment.texts import MOST_CHARS, Namings, Text, plain, words_of
from engine.model.errors import PortError, RefusedError, RetryableError
from engine.model.events import AnyEvent, LinkChanged, LinkState, MoodTold
from engine.model.market import NANOS
from tests.sentiment.services import FEED, KEY, TOKEN, Services, item, services
from tests.support.waits import until

NOW = 1_949_151_000_000_000_000
"""2031-10-07T14:50:00Z."""
DAY = 24 * 3600 * NANOS
KEYS = ServiceKeys(news=KEY, x=TOKEN, reddit_id="id", reddit_secret="secret")


@asynccontextmanager
async def reading(
    made: Services, folder: Path, kind: SourceKind, now: int = NOW, **more: Any
) -> AsyncIterator[SourceReading]:
    address = f"{made.url}/feed" if kind is SourceKind.RSS else ""
    source = TextSource(
        **{"name": "it", "kind": kind, "address": address, "query": "bitcoin", "base_url": made.url, **more}
    )
    config = MoodConfig((source,), KEYS, str(folder / "mood.json"))
    http, kept = HttpCaller(), ReadingMemory(folder / "mood.json", lambda: now)
    try:
        yield readings(config, kept, http, lambda: now)[0]
    finally:
        kept.close()
        await http.close()


def posts(first: int, count: int, text: str = "bitcoin rallies, number") -> list[dict[str, Any]]:
    return [
        {
            "id": f"{n}",
            "text": f"{text} {n}",
            "created_at": "2031-10-07T14:40:00.000Z",
            "public_metrics": {"like_count": n % 7},
        }
        for n in range(first, first + count)
    ]


async def test_each_kind_of_service_is_read_and_what_was_seen_is_not_counted_again(tmp_path: Path) -> None:
    async with services() as made:
        made.feed = FEED.format(item(1, "Bitcoin surges") + item(2, "Bank holiday on Monday")).encode()
        made.articles = [{"title": "Gold plunges", "url": "u1", "publishedAt": "2031-10-07T14:00:00Z"}]
        made.threads = [{"name": "t3_a", "title": "SOL crashed", "created_utc": NOW / 1e9, "score": 90}]
        made.posts = posts(1, 3)
        told = {
            SourceKind.RSS: [("Bitcoin surges", 1), ("Bank holiday on Monday", 0)],
            SourceKind.NEWS: [("Gold plunges", -1)],
            SourceKind.REDDIT: [("SOL crashed", -1)],
            SourceKind.X: [(f"bitcoin rallies, number {n}", 1) for n in (3, 2, 1)],
        }
        for kind, wanted in told.items():
            async with reading(made, tmp_path, kind, name=kind.value, subreddits=("a", "b")) as one:
                found = await one.read()
                assert [it.text.words for it in found] == [text for text, _ in wanted]
                for it, (_, sign) in zip(found, wanted, strict=True):
                    assert (it.score > 0.05) - (it.score < -0.05) == sign, it
                assert await one.read() == []
            async with reading(made, tmp_path, kind, name=f"{kind.value}-copy", subreddits=("a",)) as again:
                assert await again.read() == [], "others copied the words, after a restart too"


async def test_a_telling_weighs_texts_by_who_has_read_them(tmp_path: Path) -> None:
    async with services() as made:
        made.threads = [
            {"name": "t3_a", "title": "ether soars", "created_utc": NOW / 1e9 - 60, "score": 5000},
            {"name": "t3_b", "title": "ether plunges", "created_utc": NOW / 1e9 - 600},
            {"name": "t3_c", "title": "gold soars", "created_utc": NOW / 1e9 - 5},
            {"name": "t3_d", "title": "ether crashes", "created_utc": NOW / 1e9 - 2 * 86_400},
        ]
        names: dict[str, Any] = {"subreddits": ("a",), "instruments": ("ETHUSDT", "MNQ"), "weight": 2.0}
        async with reading(made, tmp_path, SourceKind.REDDIT, **names) as one:
            [line] = one.lines(await one.read())
        assert (line.instrument, line.texts, line.age_ns // NANOS) == ("ETHUSDT", 2, 60)
        assert line.score > 0.1
        assert line.weight > 4


async def said(one: SourceReading) -> str:
    """What is wrong, empty where it was read."""
    try:
        await one.read()
    except (SpentError, RetryableError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("fault", ["", "lost answers", "restarts"])
async def test_no_more_is_spent_a_day_than_may_be(tmp_path: Path, fault: str) -> None:
    """The service counts what it sells; at half a cent a post and 0.60 USD these are 120."""
    async with services() as made:
        made.posts = posts(1, 500)
        made.hangs = fault == "lost answers"
        terms: dict[str, Any] = {"daily_usd": Decimal("0.60"), "post_usd": Decimal("0.005")}
        told = list[str]()
        for turn in range(8):
            made.posts += posts(501 + 100 * turn, 100)
            async with reading(made, tmp_path, SourceKind.X, **terms) as one:
                for _ in range(1 if fault == "restarts" else 3):
                    told.append(await said(one))
        assert any("0.6 of 0.6 USD are spent today" in text for text in told)
        assert ("" in told) is not made.hangs
        assert 110 < made.sold <= 120
        async with reading(made, tmp_path, SourceKind.X, now=NOW + DAY, **terms) as tomorrow:
            with suppress(RetryableError):
                await tomorrow.read()
        assert 120 < made.sold <= 240


@pytest.mark.parametrize(
    ("status", "error"), [(401, RefusedError), (429, RetryableError), (503, RetryableError)]
)
async def test_a_service_that_says_no_costs_nothing_and_says_what_is_wrong(
    tmp_path: Path, status: int, error: type[PortError]
) -> None:
    async with services() as made:
        made.posts = posts(1, 20)
        made.status["x"] = status
        async with reading(made, tmp_path, SourceKind.X, daily_usd=Decimal("0.1")) as one:
            for _ in range(5):
                with pytest.raises(error, match=f"HTTP {status}"):
                    await one.read()
            made.status.clear()
            assert len(await one.read()) == 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>not a feed</body></html>",
        b"\xff\xfe\x00 nonsense",
        b"/etc/passwd",
        b"http://127.0.0.1:1/never",
        b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><rss><channel/></rss>',
    ],
)
async def test_what_is_no_feed_is_said_to_be_none_and_nothing_else_is_opened(
    tmp_path: Path, body: bytes
) -> None:
    async with services() as made:
        made.feed = body
        async with reading(made, tmp_path, SourceKind.RSS) as one:
            with suppress(RefusedError):
                assert await one.read() == []


async def test_a_feed_may_not_lead_to_another_machine_in_the_clear(tmp_path: Path) -> None:
    async with services() as made:
        address = f"{made.url}/moved?to={made.url}/feed"
        async with reading(made, tmp_path, SourceKind.RSS, address=address) as one:
            with pytest.raises(RefusedError, match="not https"):
                await one.read()
    assert not made.asked["rss"]


def test_texts_are_data() -> None:
    hostile = (
        "<script>alert(1)</script>[bold]&lt;b&gt;Gold\x1b[31m soars‮ https://evil.example/x " + "a" * 9_000
    )
    told = plain(hostile)
    assert told.startswith("alert(1) [bold] Gold [31m soars a")
    assert len(told) == MOST_CHARS
    assert Text("k", told, 0, readers=1e300).weight < 12


def test_instruments_are_found_by_what_people_call_them() -> None:
    namings = Namings(("BTCUSDT.P", "MNQ", "MES", "AAPL", "ZN"), {"AAPL": ("apple",)})
    cases = {
        "Bitcoin up": ["BTCUSDT.P"],
        "S&P 500 and Nasdaq fall": ["MNQ", "MES"],
        "Apple beats": ["AAPL"],
        "pineapples are cheap, btcs too": [],
        "10-year yield at 5": ["ZN"],
    }
    assert {text: namings.named(Text("", text, 0)) for text in cases} == cases
    assert words_of("XYZ") == ("xyz",)


async def test_two_processes_do_not_spend_the_same_money(tmp_path: Path) -> None:
    kept = ReadingMemory(tmp_path / "mood.json", lambda: NOW)
    with pytest.raises(OSError, match="another tstream"):
        ReadingMemory(tmp_path / "mood.json", lambda: NOW)
    kept.close()
    (tmp_path / "mood.json").write_bytes(b"{")
    with pytest.raises(ValueError, match="what was spent"):
        ReadingMemory(tmp_path / "mood.json", lambda: NOW)


def test_the_process_that_takes_texts_apart_has_no_secret_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TSTREAM_PROJECTX_KEY", "a-secret-key")
    found = child_environment()
    assert "PATH" in found
    assert "a-secret-key" not in found.values()


async def test_the_engine_hears_of_it_from_a_process_and_of_one_that_dies(tmp_path: Path) -> None:
    async with services() as made:
        made.feed = FEED.format(item(1, "Bitcoin surges", ts="Tue, 07 Oct 2081 14:00:00 GMT")).encode()
        feed = TextSource("news", SourceKind.RSS, address=f"{made.url}/feed")
        broken = TextSource("gone", SourceKind.RSS, address=f"{made.url}/nowhere")
        config = MoodConfig((feed, broken), KEYS, str(tmp_path / "mood.json"))
        heard = list[AnyEvent]()
        running = asyncio.create_task(MoodProcess(config, heard.append, lambda: NOW).run())
        try:
            await until(lambda: len(heard) >= 3 or running.done(), 30)
            [mood] = [one for one in heard if isinstance(one, MoodTold)]
            assert (mood.source, mood.instrument, mood.ts_venue) == ("news", "", NOW)
            assert mood.score > 0.3
            states = {one.link: one.state for one in heard if isinstance(one, LinkChanged)}
            assert states == {"mood news": LinkState.LIVE, "mood gone": LinkState.DOWN}
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        (tmp_path / "mood.json").write_bytes(b"{")
        with pytest.raises(RetryableError, match="can't be read"):
            await MoodProcess(config, heard.append, lambda: NOW).run()
    assert KEY not in repr(config)
