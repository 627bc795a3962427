"""F35 over real sockets: services that are down or slow down delay nobody else and lose nothing uncounted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from adapters.notify.channels.channel import Channel, Receipt
from adapters.notify.config import Rules
from adapters.notify.content.formats import TimeFormat
from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.dispatch import dispatcher as dispatching
from adapters.notify.dispatch.dispatcher import ChannelState, Dispatcher
from engine.model.notices import Severity
from tests.notify.scenes import NOW, news
from tests.notify.sinks import (
    CANARIES,
    TOKEN,
    DiscordSink,
    Reply,
    Sink,
    SlackSink,
    TelegramSink,
    a_discord,
    a_slack,
    a_telegram,
    flood,
    telegram_no,
)
from tests.support.patience import patient
from tests.support.virtual_loop import play
from tests.support.waits import until

ALL = Rules(per_minute=6000, burst=1000)
TIMES = TimeFormat("America/Chicago", lambda: NOW)
CRITICAL = news("MNQ is not protected", Severity.CRITICAL, event=NewsEvent.RISK, key="naked")


def started(*channels: tuple[Channel, Rules], **limits: Any) -> Dispatcher:
    dispatcher = Dispatcher(channels, TIMES, **{"escalate_s": 60.0, **limits})
    dispatcher.start()
    return dispatcher


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off for hundredths of seconds, so that a test does."""
    monkeypatch.setattr(dispatching, "BACKOFF_S", (0.02, 0.02))
    monkeypatch.setattr(dispatching, "_AGAIN_S", 0.02)


async def test_every_channel_gets_what_it_wants() -> None:
    async with SlackSink() as slack, DiscordSink() as discord:
        dispatcher = started(
            (a_slack(slack.url), Rules(severity=Severity.WARNING)),
            (a_discord(discord.url), Rules(events=frozenset({NewsEvent.TRADE_EXIT}))),
        )
        dispatcher.post(news("small talk"))
        dispatcher.post(news("exit", Severity.WARNING, event=NewsEvent.TRADE_EXIT))
        await dispatcher.close(5)
        assert [got.body["attachments"][0]["title"] for got in slack.got] == ["exit"]
        assert [got.body["embeds"][0]["title"] for got in discord.got] == ["exit"]


async def test_f35_a_service_that_hangs_delays_no_other_and_posting_never_waits() -> None:
    async with TelegramSink() as telegram, SlackSink() as slack:
        telegram.always = Reply(hang=True)
        dispatcher = started((a_telegram(telegram.url), ALL), (a_slack(slack.url), ALL))
        loop = asyncio.get_running_loop()
        before = loop.time()
        for number in range(1000):
            dispatcher.post(news(f"event {number}", event=NewsEvent.SIGNAL))
        assert loop.time() - before < patient(1)
        await slack.wait(1)
        await dispatcher.close(0.05)


async def test_f35_the_queue_of_a_dead_service_is_bounded_and_repeats_are_counted(quick: None) -> None:
    async with TelegramSink() as telegram:
        dispatcher = started((a_telegram(telegram.url), ALL), capacity=10)
        await telegram.shut()
        for number in range(50):
            dispatcher.post(news(f"exit {number}", event=NewsEvent.SIGNAL))
        for number in range(37):
            dispatcher.post(news(f"link down, try {number}", Severity.WARNING, key="down"))
        await until(lambda: dispatcher.queues[0].state is ChannelState.WAITING)
        (queue,) = dispatcher.queues
        assert len(queue.outbox) <= 10
        assert queue.outbox.dropped >= 40
        await telegram.open()
        await until(lambda: not len(dispatcher.queues[0].outbox) and len(telegram.got) > 0)
        await dispatcher.close(5)
        told = "\n".join(telegram.texts)
        assert "link down, try 36 ×37" in told
        assert "exit 49" in told
        assert f"{queue.outbox.dropped} messages before it were dropped" in told
        assert dispatcher.queues[0].state is ChannelState.WORKING


@pytest.mark.parametrize(
    ("make", "sink", "reply", "wait_s"),
    [
        (a_telegram, TelegramSink, flood(1), 1.0),
        (a_slack, SlackSink, Reply(429, "rate_limited", {"Retry-After": "1"}), 1.0),
        (a_discord, DiscordSink, Reply(429, {"message": "limited", "retry_after": 0.4}), 0.4),
    ],
)
async def test_f35_a_service_that_asks_for_a_pause_gets_it(
    make: Callable[[str], Channel], sink: type[Sink], reply: Reply, wait_s: float
) -> None:
    async with sink() as service:
        service.script.append(reply)
        dispatcher = started((make(service.url), ALL))
        dispatcher.post(news("exit", event=NewsEvent.SIGNAL))
        dispatcher.post(news("another", event=NewsEvent.SIGNAL))
        first, second, third = await service.wait(3)
        assert second.at - first.at >= wait_s - 0.01
        assert second.body == first.body
        assert third.body != first.body
        await dispatcher.close(5)
        (queue,) = dispatcher.queues
        assert (queue.sent, queue.outbox.dropped, queue.refused) == (2, 0, 0)


async def test_f35_critical_news_goes_to_another_channel_when_the_first_is_down(quick: None) -> None:
    async with TelegramSink() as telegram, SlackSink() as slack:
        nothing = Rules(events=frozenset({NewsEvent.DAILY_SUMMARY}))
        dispatcher = started((a_telegram(telegram.url), ALL), (a_slack(slack.url), nothing))
        await telegram.shut()
        dispatcher.post(news("small", event=NewsEvent.RISK))
        dispatcher.post(CRITICAL)
        (got,) = await slack.wait(1)
        assert got.body["attachments"][0]["title"] == "MNQ is not protected"
        await dispatcher.close(0.1)
        assert len(slack.got) == 1


async def test_f35_critical_news_on_hold_goes_to_another_channel_in_time() -> None:
    async with TelegramSink() as telegram, SlackSink() as slack:
        telegram.always = Reply(hang=True)
        nothing = Rules(events=frozenset())
        dispatcher = started((a_telegram(telegram.url), ALL), (a_slack(slack.url), nothing), escalate_s=0.05)
        dispatcher.post(CRITICAL)
        (got,) = await slack.wait(1)
        assert got.body["attachments"][0]["title"] == "MNQ is not protected"
        assert len(telegram.got) == 1
        await dispatcher.close(0.05)


@pytest.mark.parametrize(("takes_s", "others"), [(1.0, []), (20.0, ["MNQ is not protected"])])
def test_f35_critical_news_goes_elsewhere_only_if_it_has_not_arrived_in_time(
    takes_s: float, others: list[str]
) -> None:
    async def scenario() -> None:
        first, second = InMemory("first", takes_s), InMemory("second")
        dispatcher = started((first, ALL), (second, Rules(events=frozenset())), escalate_s=10.0)
        dispatcher.post(CRITICAL)
        await asyncio.sleep(60)
        assert (first.got, second.got) == (["MNQ is not protected"], others)
        await dispatcher.close(5)

    play(scenario())


async def test_f35_critical_news_that_nobody_asked_for_still_reaches_somebody() -> None:
    async with SlackSink() as slack:
        dispatcher = started((a_slack(slack.url), Rules(events=frozenset())))
        dispatcher.post(CRITICAL)
        (got,) = await slack.wait(1)
        assert got.body["attachments"][0]["title"] == "MNQ is not protected"
        await dispatcher.close(5)


async def test_f35_repeated_critical_news_is_counted_too() -> None:
    async with SlackSink() as slack:
        dispatcher = started((a_slack(slack.url), ALL), repeat_s=60)
        for _ in range(37):
            dispatcher.post(CRITICAL)
        await slack.wait(1)
        for _ in range(37):
            dispatcher.post(CRITICAL)
        await dispatcher.close(5)
        titles = [got.body["attachments"][0]["title"] for got in slack.got]
        assert titles == ["MNQ is not protected ×37", "MNQ is not protected ×37"]


async def test_a_definitive_no_stops_the_channel_and_is_told_elsewhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with TelegramSink() as telegram, SlackSink() as slack:
        telegram.always = telegram_no(401, "Unauthorized")
        quiet = Rules(severity=Severity.CRITICAL)
        dispatcher = started((a_telegram(telegram.url), ALL), (a_slack(slack.url), quiet))
        dispatcher.post(news("one", event=NewsEvent.SIGNAL))
        dispatcher.post(news("two", event=NewsEvent.SIGNAL))
        (got,) = await slack.wait(1)
        assert got.body["attachments"][0]["title"] == "🚨 telegram gets no more messages"
        assert "@BotFather" in got.body["attachments"][0]["text"]
        for number in range(20):
            dispatcher.post(news(f"more {number}"))
        await dispatcher.close(5)
        assert len(telegram.got) == 1
        queue = dispatcher.queues[0]
        assert queue.state is ChannelState.STOPPED
        assert "@BotFather" in queue.detail
        assert "telegram is stopped" in caplog.text


async def test_critical_news_of_a_stopped_channel_goes_to_the_next() -> None:
    async with DiscordSink() as discord, SlackSink() as slack:
        discord.always = Reply(404, {"message": "Unknown Webhook", "code": 10015})
        dispatcher = started((a_discord(discord.url), ALL), (a_slack(slack.url), Rules(events=frozenset())))
        dispatcher.post(CRITICAL)
        got = await slack.wait(2)
        titles = {request.body["attachments"][0]["title"] for request in got}
        assert titles == {"MNQ is not protected", "🚨 discord gets no more messages"}
        await dispatcher.close(5)
        assert len(discord.got) == 1


@pytest.mark.parametrize(
    ("reply", "refused", "unconfirmed"), [(Reply(400, "invalid_payload"), 1, 0), (Reply(drop=True), 0, 1)]
)
async def test_news_that_was_refused_or_may_have_arrived_is_not_sent_again(
    quick: None, reply: Reply, refused: int, unconfirmed: int
) -> None:
    async with SlackSink() as slack:
        slack.script.append(reply)
        dispatcher = started((a_slack(slack.url), ALL))
        dispatcher.post(news("once", event=NewsEvent.SIGNAL))
        dispatcher.post(news("next", event=NewsEvent.SIGNAL))
        await slack.wait(2)
        await dispatcher.close(5)
        assert [got.body["attachments"][0]["title"] for got in slack.got] == ["once", "next"]
        (queue,) = dispatcher.queues
        assert (queue.refused, queue.unconfirmed) == (refused, unconfirmed)


async def test_critical_news_that_may_have_arrived_is_sent_once_more_and_says_so(quick: None) -> None:
    async with SlackSink() as slack:
        slack.script += [Reply(drop=True), Reply(drop=True)]
        dispatcher = started((a_slack(slack.url), ALL))
        dispatcher.post(CRITICAL)
        await slack.wait(2)
        await until(lambda: dispatcher.queues[0].unconfirmed == 2)
        await dispatcher.close(5)
        first, second = [got.body["attachments"][0] for got in slack.got]
        assert first["text"] == ""
        assert second["text"].startswith("sent again")


async def test_parts_that_arrived_are_not_sent_again(quick: None) -> None:
    async with TelegramSink() as telegram:
        telegram.script += [
            Reply(200, {"ok": True, "result": {"message_id": 1}}),
            telegram_no(502, "Bad Gateway"),
        ]
        dispatcher = started((a_telegram(telegram.url), ALL))
        dispatcher.post(news("long", event=NewsEvent.SIGNAL, lines=tuple("x" * 400 for _ in range(15))))
        first, second, again = await telegram.wait(3)
        await dispatcher.close(5)
        assert second.body == again.body != first.body
        assert len(telegram.got) == 3


async def test_the_end_sends_what_waits_and_waits_no_longer_than_told() -> None:
    async with SlackSink() as slack, TelegramSink() as telegram:
        telegram.always = Reply(hang=True)
        slow = Rules(per_minute=1, burst=1)
        dispatcher = started((a_slack(slack.url), slow), (a_telegram(telegram.url), ALL))
        for number in range(3):
            dispatcher.post(news(f"event {number}", event=NewsEvent.SIGNAL))
        await telegram.wait(1)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await dispatcher.close(2.5)
        assert 2.4 <= loop.time() - before < patient(4)
        assert len(slack.got) == 3
        dispatcher.post(news("too late"))
        assert len(slack.got) == 3


async def test_the_end_does_not_wait_for_a_service_that_is_known_to_be_down() -> None:
    async with SlackSink() as slack:
        slack.always = Reply(429, "rate_limited", {"Retry-After": "300"})
        dispatcher = started((a_slack(slack.url), ALL))
        dispatcher.post(news("x"))
        await until(lambda: dispatcher.queues[0].state is ChannelState.WAITING)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await dispatcher.close(30)
        assert loop.time() - before < patient(2)


class InMemory:
    """A channel that takes its time, for a loop whose time is virtual."""

    def __init__(self, name: str, takes_s: float = 0.0) -> None:
        self.name = name
        self.got: list[str] = []
        self._takes_s = takes_s

    def payloads(self, message: Message, when: str) -> list[dict[str, Any]]:
        return [{"title": message.title}]

    async def deliver(self, payload: dict[str, Any]) -> Receipt:
        await asyncio.sleep(self._takes_s)
        self.got.append(payload["title"])
        return Receipt("taken")

    async def close(self) -> None: ...


class Broken:
    """A channel with a bug in it."""

    name = "broken"

    def payloads(self, message: Message, when: str) -> list[dict[str, Any]]:
        raise KeyError(f"https://api.telegram.org/bot{TOKEN}/sendMessage")

    async def deliver(self, payload: dict[str, Any]) -> Any:
        raise AssertionError

    async def close(self) -> None: ...


async def test_a_bug_in_a_channel_stops_nothing_and_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    async with SlackSink() as slack:
        dispatcher = started((Broken(), ALL), (a_slack(slack.url), Rules(events=frozenset())))
        dispatcher.post(news("x"))
        dispatcher.post(CRITICAL)
        await slack.wait(1)
        await dispatcher.close(5)
        assert dispatcher.queues[0].refused == 2
        assert "a message is left out: a fault of tstream's own" in caplog.text
        assert "KeyError" not in caplog.text
        assert TOKEN not in caplog.text


async def test_no_failure_leaks_a_secret(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    leaky = f"{' '.join(CANARIES)} /bot{TOKEN}/sendMessage"
    async with TelegramSink() as telegram, SlackSink() as slack, DiscordSink() as discord:
        telegram.script += [telegram_no(500, leaky), telegram_no(400, leaky), telegram_no(401, leaky)]
        slack.script += [Reply(500, leaky), Reply(400, leaky), Reply(403, leaky)]
        discord.script += [Reply(500, {"message": leaky}), Reply(400, {"message": leaky})]
        discord.script.append(Reply(404, {"message": leaky}))
        dispatcher = started(
            (a_telegram(telegram.url), ALL), (a_slack(slack.url), ALL), (a_discord(discord.url), ALL)
        )
        for number in range(3):
            dispatcher.post(news(f"event {number}", event=NewsEvent.SIGNAL))
        await until(lambda: all(s.state is ChannelState.STOPPED for s in dispatcher.queues))
        await dispatcher.close(1)
        own = {"Telegram:": TOKEN, "Slack:": CANARIES[2], "Discord:": CANARIES[3]}
        for queue, secret in zip(dispatcher.queues, own.values(), strict=True):
            assert secret not in queue.detail
        lines = [
            record.getMessage() for record in caplog.records if record.name.startswith("adapters.notify")
        ]
        for name, secret in own.items():
            told = [line for line in lines if name in line]
            assert told
            assert not [line for line in told if secret in line]
