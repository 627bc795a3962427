"""tstream notify test: each channel proved, each answer told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from adapters.common.secret import Secret
from adapters.notify.config import NotifyConfig, TelegramCommandsConfig, TelegramConfig, WebhookConfig
from tests.notify.sinks import TOKEN, DiscordSink, Reply, Sink, SlackSink, TelegramSink, telegram_no
from tests.support.patience import patient
from tstream.commands.notify import prove
from tstream.errors import UsageError


@contextmanager
def serving(*sinks: Sink) -> Iterator[None]:
    """The sinks on a loop in another thread: the command runs a loop of its own."""
    ready, end = threading.Event(), threading.Event()

    async def serve() -> None:
        for sink in sinks:
            await sink.open()
        ready.set()
        await asyncio.to_thread(end.wait)
        for sink in sinks:
            await sink.shut()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(patient(10))
    try:
        yield
    finally:
        end.set()
        thread.join(patient(10))


def a_config(telegram: Sink, slack: Sink, discord: Sink) -> NotifyConfig:
    return NotifyConfig(
        telegram=TelegramConfig(token=Secret(TOKEN), chats=(1, 2), base_url=telegram.url),
        slack=WebhookConfig(url=Secret(f"{slack.url}/services/T/B/canarySlackHook")),
        discord=WebhookConfig(url=Secret(f"{discord.url}/api/webhooks/1/canaryDiscordHook")),
        telegram_commands=TelegramCommandsConfig(
            token=Secret(TOKEN), chats=frozenset({1}), users=frozenset({2, 3}), base_url=telegram.url
        ),
    )


def test_each_channel_says_what_it_answered(capsys: pytest.CaptureFixture[str]) -> None:
    telegram, slack, discord = TelegramSink(), SlackSink(), DiscordSink()
    with serving(telegram, slack, discord):
        assert prove(a_config(telegram, slack, discord)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines[:2]) in (
        ["✓ telegram-2: message 1", "✓ telegram: message 2"],
        ["✓ telegram-2: message 2", "✓ telegram: message 1"],
    )
    assert lines[2:] == [
        "✓ slack: ok",
        "✓ discord: message 1001",
        "✓ commands: @Desk_Bot takes them from 2 people in 1 chats",
    ]
    assert "Nothing has happened" in telegram.texts[0]


def test_what_fails_tells_the_remedy_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    telegram, slack, discord = TelegramSink(), SlackSink(), DiscordSink()
    telegram.always = telegram_no(403, f"Forbidden: bot {TOKEN} was blocked by the user")
    slack.always = Reply(404, "no_service canarySlackHook")
    discord.always = Reply(429, {"message": "limited canaryDiscordHook", "retry_after": 3})
    with serving(telegram, slack, discord):
        assert prove(a_config(telegram, slack, discord)) == 1
    out = capsys.readouterr().out
    assert "canary" not in out
    assert "press Start" in out
    assert "make a new incoming webhook" in out
    assert "try again in 3 s" in out
    assert out.count("✗") == 4


@pytest.mark.parametrize(
    ("wanted", "lines"), [("slack", 1), ("telegram", 2), ("telegram-2", 1), ("commands", 1)]
)
def test_one_channel_can_be_chosen(wanted: str, lines: int, capsys: pytest.CaptureFixture[str]) -> None:
    telegram, slack, discord = TelegramSink(), SlackSink(), DiscordSink()
    with serving(telegram, slack, discord):
        assert prove(a_config(telegram, slack, discord), wanted) == 0
    assert len(capsys.readouterr().out.splitlines()) == lines


def test_an_unknown_channel_is_refused_with_those_that_are_known() -> None:
    config = NotifyConfig(slack=WebhookConfig(url=Secret("http://127.0.0.1:9/x")))
    with pytest.raises(UsageError, match="configured are slack"):
        prove(config, "sms")


def test_without_a_channel_the_page_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        prove(replace(NotifyConfig()))
    assert "docs/notifications.md" in caught.value.lines[1]
