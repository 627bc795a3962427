"""The whole of it beside an engine's handle: in its own thread, from first View to the last flush."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.common.secret import Secret
from adapters.notify.config import NotifyConfig, Rules, TelegramCommandsConfig, TelegramConfig, WebhookConfig
from adapters.notify.service import NotifyThread
from engine.model.commands import Pause
from engine.model.errors import FatalError
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from tests.notify.scenes import NOW, a_position, a_trade, a_view
from tests.notify.sinks import TOKEN, DiscordSink, Reply, TelegramSink, telegram_no
from tests.support.fake_engine import FakeEngine
from tests.support.patience import patient
from tests.support.waits import until

FAST = Rules(per_minute=6000, burst=1000)


def clock() -> int:
    return NOW


def a_config(discord: DiscordSink, telegram: TelegramSink | None = None) -> NotifyConfig:
    config = NotifyConfig(
        discord=WebhookConfig(url=Secret(f"{discord.url}/api/webhooks/1/canaryHook"), rules=FAST), flush_s=3
    )
    if telegram is None:
        return config
    return replace(
        config,
        telegram=TelegramConfig(token=Secret(TOKEN), chats=(1,), base_url=telegram.url, rules=FAST),
        telegram_commands=TelegramCommandsConfig(
            token=Secret(TOKEN), chats=frozenset({1}), users=frozenset({2}), base_url=telegram.url, poll_s=1
        ),
    )


async def stopped(thread: NotifyThread, *words: Any) -> float:
    """Stop it as the engine's loop would, off the loop; how long that took, seconds."""
    before = time.monotonic()
    await asyncio.to_thread(thread.stop, *words)
    return time.monotonic() - before


def titles(discord: DiscordSink) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", got.body["embeds"][0]["title"]) for got in discord.got]


async def test_a_trade_from_signal_to_summary_is_told() -> None:
    async with DiscordSink() as discord:
        engine = FakeEngine(a_view())
        thread = NotifyThread(engine, a_config(discord), clock, clock)
        thread.start()
        await discord.wait(1)
        of = {"instrument": "MNQ", "book": "main"}
        engine.tell(NoticeKind.SIGNAL, "long MNQ 7.4: entering 2", Severity.GOOD, **of)
        await discord.wait(2)
        engine.show(positions=(a_position(),))
        engine.tell(NoticeKind.FILL, "sold 2 MNQ @ 21015.25 (target)", Severity.GOOD, **of)
        engine.show(positions=(), trades=(a_trade(),))
        await until(lambda: any("closed" in title for title in titles(discord)), look_s=0.005)
        assert await stopped(thread) < 6
        told = titles(discord)
        assert told[0] == "▶️ [PRACTICE] tstream has started"
        assert told[1] == "🎯 [PRACTICE] Signal MNQ"
        assert "✅ [PRACTICE] LONG 2 MNQ closed: +58.52 USD" in told
        assert told[-1] == "⏹️ [PRACTICE] tstream has stopped"


async def test_a_failure_of_the_engine_is_told_as_critical() -> None:
    async with DiscordSink() as discord:
        thread = NotifyThread(FakeEngine(a_view()), a_config(discord), clock, clock)
        thread.start()
        await discord.wait(1)
        await stopped(thread, "the journal can't be read", True)
        assert titles(discord)[-1] == "🚨 [PRACTICE] tstream has stopped: the journal can't be read"


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (FatalError("the journal can't be read"), "tstream has stopped: the journal can't be read"),
        (ValueError("canary in a library's words"), "tstream has stopped: internal error, see the log"),
    ],
)
async def test_as_part_of_a_run_it_tells_how_the_run_ended(error: Exception, title: str) -> None:
    async with DiscordSink() as discord:

        async def fail() -> None:
            async with NotifyThread(FakeEngine(a_view()), a_config(discord), clock, clock):
                await discord.wait(1)
                raise error

        with pytest.raises(type(error)):
            await fail()
        async with NotifyThread(FakeEngine(a_view()), a_config(discord), clock, clock):
            await discord.wait(3)
        told = titles(discord)
        assert told[1] == f"🚨 [PRACTICE] {title}"
        assert told[3] == "⏹️ [PRACTICE] tstream has stopped"


async def test_channels_that_change_take_over_and_nothing_is_told_twice_or_left_out() -> None:
    async with DiscordSink() as old, DiscordSink() as new:
        engine = FakeEngine(a_view())
        thread = NotifyThread(engine, a_config(old), clock, clock)
        thread.start()
        await old.wait(1)
        engine.tell(NoticeKind.RISK, "before", Severity.CRITICAL)
        await old.wait(2)
        thread.follow(a_config(new))
        engine.tell(NoticeKind.RISK, "meanwhile", Severity.CRITICAL)
        await until(lambda: len(titles(old)) + len(titles(new)) == 3, look_s=0.005)
        engine.tell(NoticeKind.RISK, "after", Severity.CRITICAL)
        await new.wait(1)
        await until(lambda: any("after" in str(got.body) for got in new.got), look_s=0.005)
        await stopped(thread)
        bodies = [str(got.body) for got in (*old.got, *new.got)]
        for word in ("before", "meanwhile", "after"):
            assert sum(word in body for body in bodies) == 1, word
        assert titles(new)[-1] == "⏹️ [PRACTICE] tstream has stopped"
        assert sum("started" in title for title in (*titles(old), *titles(new))) == 1
        thread.follow(a_config(old))  # it has ended: nothing comes of it


async def test_f35_the_engine_is_not_held_up_by_dead_channels(caplog: pytest.LogCaptureFixture) -> None:
    async with DiscordSink() as discord, TelegramSink() as telegram:
        discord.always = Reply(hang=True)
        telegram.always = Reply(hang=True)
        engine = FakeEngine(a_view())
        config = replace(a_config(discord, telegram), flush_s=0.2, queue=50)
        thread = NotifyThread(engine, config, clock, clock)
        thread.start()
        before = time.perf_counter()
        for number in range(300):
            engine.tell(NoticeKind.RISK, f"event {number}", Severity.CRITICAL)
        assert time.perf_counter() - before < patient(2)
        await discord.wait(1)
        await telegram.wait(1)
        assert await stopped(thread) < patient(3.5)
        left = [int(count) for count in re.findall(r"(\d+) messages were not sent", caplog.text)]
        assert len(left) == 2
        assert 0 < max(left) <= 50


async def test_commands_from_telegram_reach_the_engine() -> None:
    async with DiscordSink() as discord, TelegramSink() as telegram:
        engine = FakeEngine(a_view())
        thread = NotifyThread(engine, a_config(discord, telegram), clock, clock)
        thread.start()
        telegram.say(5, "/pause", chat={"id": 1}, date=NOW // NANOS, **{"from": {"id": 2}})
        await until(lambda: "done: pause" in telegram.texts, look_s=0.005)
        assert [type(command) for command in engine.sent] == [Pause]
        await stopped(thread)


async def test_the_end_of_telegram_commands_is_told_through_the_channels() -> None:
    async with DiscordSink() as discord, TelegramSink() as telegram:
        telegram.poll_script.append(telegram_no(401, "Unauthorized"))
        thread = NotifyThread(FakeEngine(a_view()), a_config(discord, telegram), clock, clock)
        thread.start()
        await until(lambda: any("commands are not taken" in title for title in titles(discord)), look_s=0.005)
        await stopped(thread)


async def test_a_picture_that_makes_no_sense_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with DiscordSink() as discord:
        engine = FakeEngine(a_view())
        thread = NotifyThread(engine, a_config(discord), clock, clock)
        thread.start()
        await discord.wait(1)
        engine.show(books=(None,))
        await until(lambda: "a message could not be made" in caplog.text, look_s=0.005)
        engine.show(books=a_view().books)
        engine.tell(NoticeKind.RISK, "still here", Severity.WARNING)
        await until(lambda: any("still here" in title for title in titles(discord)), look_s=0.005)
        await stopped(thread)


async def test_stopping_what_never_started_or_has_ended_does_nothing() -> None:
    async with DiscordSink() as discord:
        thread = NotifyThread(FakeEngine(a_view()), a_config(discord), clock, clock)
        thread.stop()
        thread.start()
        await discord.wait(1)
        await stopped(thread)
        assert await stopped(thread) < 0.5
        assert titles(discord)[-1].endswith("tstream has stopped")
