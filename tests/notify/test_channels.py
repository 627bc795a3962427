"""Telegram, Slack and Discord over real sockets: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from adapters.notify.channels.channel import Channel, HeldError
from adapters.notify.channels.discord import DiscordChannel
from adapters.notify.channels.slack import SlackChannel
from adapters.notify.channels.telegram import TelegramChannel
from adapters.notify.config import TelegramConfig, WebhookConfig
from adapters.notify.content.message import Message, section
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.orders import AccountKind
from tests.notify.scenes import news
from tests.notify.sinks import DiscordSink, Reply, Sink, SlackSink, TelegramSink, flood, telegram_no

TOKEN = "123456789:AAcanaryCanaryCanaryCanaryCanaryCan"
SLACK_PATH = "/services/T0CANARY1/B0CANARY2/canaryCanaryCanaryCanary"
DISCORD_PATH = "/api/webhooks/112233445566/canaryDiscordCanaryDiscordCanary"
CANARIES = (TOKEN, TOKEN.partition(":")[2], "canaryCanaryCanaryCanary", "canaryDiscordCanaryDiscordCanary")
WHEN = "09:42:17 CDT"


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[TelegramSink, TelegramChannel]]:
    async with TelegramSink() as sink:
        channel = TelegramChannel(TelegramConfig(token=TOKEN, chats=(111,), base_url=sink.url), 111)
        yield sink, channel
        await channel.close()


@pytest.fixture
async def slack() -> AsyncIterator[tuple[SlackSink, SlackChannel]]:
    async with SlackSink() as sink:
        channel = SlackChannel(WebhookConfig(url=sink.url + SLACK_PATH))
        yield sink, channel
        await channel.close()


@pytest.fixture
async def discord() -> AsyncIterator[tuple[DiscordSink, DiscordChannel]]:
    async with DiscordSink() as sink:
        channel = DiscordChannel(WebhookConfig(url=sink.url + DISCORD_PATH))
        yield sink, channel
        await channel.close()


async def send(channel: Channel, message: Message) -> list[str]:
    return [(await channel.deliver(part)).text for part in channel.parts(message, WHEN)]


async def error_of(channel: Channel) -> PortError:
    with pytest.raises(PortError) as caught:
        await send(channel, news())
    for canary in CANARIES:
        assert canary not in str(caught.value)
        assert canary not in repr(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


TRADE = news(
    "LONG 2 MNQ @ 21000.25 <&>",
    kind=AccountKind.LIVE,
    lines=("bought 2 MNQ @ 21000.25 (entry)",),
    sections=section("Position", ("Stop", "20990.25"), ("Risk", "20.00 USD")),
)


async def test_telegram_gets_html_without_previews(telegram: tuple[TelegramSink, TelegramChannel]) -> None:
    sink, channel = telegram
    assert await send(channel, TRADE) == ["message 1"]
    (got,) = sink.got
    assert got.path == f"/bot{TOKEN}/sendMessage"
    assert got.body == {
        "chat_id": 111,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "text": "<b>[LIVE] LONG 2 MNQ @ 21000.25 &lt;&amp;&gt;</b>\n"
        "bought 2 MNQ @ 21000.25 (entry)\n\n<b>Position</b>\nStop: 20990.25\nRisk: 20.00 USD\n\n"
        f"<i>{WHEN}</i>",
    }


async def test_a_long_message_comes_in_several(telegram: tuple[TelegramSink, TelegramChannel]) -> None:
    sink, channel = telegram
    lines = tuple(f"line {number} " + "x" * 300 for number in range(30))
    assert await send(channel, news(lines=lines)) == ["message 1", "message 2", "message 3"]
    told = "\n".join(sink.texts)
    assert all(f"line {number} " in told for number in range(30))


async def test_a_parse_error_is_answered_with_plain_text(
    telegram: tuple[TelegramSink, TelegramChannel],
) -> None:
    sink, channel = telegram
    sink.script.append(telegram_no(400, "Bad Request: can't parse entities: unsupported start tag"))
    assert await send(channel, TRADE) == ["message 2"]
    again = sink.got[1].body
    assert "parse_mode" not in again
    assert again["text"].startswith("[LIVE] LONG 2 MNQ @ 21000.25 <&>\nbought")


async def test_a_group_that_moved_is_followed(
    telegram: tuple[TelegramSink, TelegramChannel], caplog: pytest.LogCaptureFixture
) -> None:
    sink, channel = telegram
    sink.script.append(telegram_no(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100222))
    assert await send(channel, news()) == ["message 2"]
    assert [got.body["chat_id"] for got in sink.got] == [111, -100222]
    assert "-100222" in caplog.text


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (telegram_no(401, "Unauthorized"), FatalError, "@BotFather"),
        (telegram_no(404, "Not Found"), FatalError, "@BotFather"),
        (telegram_no(403, "Forbidden: bot was blocked by the user"), FatalError, "press Start"),
        (telegram_no(400, "Bad Request: chat not found"), FatalError, "write to the bot first"),
        (telegram_no(400, "Bad Request: message text is empty"), RefusedError, "message text is empty"),
        (telegram_no(502, "Bad Gateway"), RetryableError, "Bad Gateway"),
        (Reply(302, "", {"Location": "https://elsewhere.example/"}), FatalError, "base URL"),
        (Reply(200, "<html>log in to this network</html>"), UnknownOutcomeError, "proxy"),
        (Reply(drop=True), UnknownOutcomeError, "the connection broke"),
    ],
)
async def test_what_telegrams_refusals_mean(
    telegram: tuple[TelegramSink, TelegramChannel], reply: Reply, error: type[PortError], words: str
) -> None:
    sink, channel = telegram
    sink.always = reply
    told = await error_of(channel)
    assert type(told) is error
    assert words in str(told)


async def test_telegrams_pause_is_in_its_parameters(telegram: tuple[TelegramSink, TelegramChannel]) -> None:
    sink, channel = telegram
    sink.script.append(flood(17))
    told = await error_of(channel)
    assert isinstance(told, HeldError)
    assert told.after_s == 17


async def test_slack_gets_structure_and_says_ok(slack: tuple[SlackSink, SlackChannel]) -> None:
    sink, channel = slack
    assert await send(channel, TRADE) == ["ok"]
    (got,) = sink.got
    assert got.path == SLACK_PATH
    head, position = got.body["attachments"]
    assert head["title"] == "[LIVE] LONG 2 MNQ @ 21000.25 &lt;&amp;&gt;"
    assert position["fields"][0] == {"title": "Stop", "value": "20990.25", "short": True}
    assert position["footer"] == WHEN


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(403, "invalid_token"), FatalError, "make a new incoming webhook"),
        (Reply(404, "no_service"), FatalError, "no_service"),
        (Reply(410, "channel_is_archived"), FatalError, "channel_is_archived"),
        (Reply(400, "invalid_payload"), RefusedError, "invalid_payload"),
        (Reply(413, "too_many_attachments"), RefusedError, "too_many_attachments"),
        (Reply(500, "rollup_error"), RetryableError, "rollup_error"),
        (Reply(200, "<html>"), UnknownOutcomeError, "proxy"),
        (Reply(drop=True), UnknownOutcomeError, "the connection broke"),
    ],
)
async def test_what_slacks_refusals_mean(
    slack: tuple[SlackSink, SlackChannel], reply: Reply, error: type[PortError], words: str
) -> None:
    sink, channel = slack
    sink.always = reply
    told = await error_of(channel)
    assert type(told) is error
    assert words in str(told)


async def test_slacks_pause_is_in_the_header(slack: tuple[SlackSink, SlackChannel]) -> None:
    sink, channel = slack
    sink.script.append(Reply(429, "rate_limited", {"Retry-After": "30"}))
    told = await error_of(channel)
    assert isinstance(told, HeldError)
    assert told.after_s == 30


async def test_discord_gets_embeds_without_mentions(discord: tuple[DiscordSink, DiscordChannel]) -> None:
    sink, channel = discord
    assert await send(channel, TRADE) == ["message 1001"]
    (got,) = sink.got
    assert (got.path, got.query) == (DISCORD_PATH, {"wait": "true"})
    assert got.body["allowed_mentions"] == {"parse": []}
    assert got.body["embeds"][1]["fields"][0] == {"name": "Stop", "value": "20990.25", "inline": True}


async def test_a_thread_in_discords_address_stays(discord: tuple[DiscordSink, DiscordChannel]) -> None:
    sink, _ = discord
    channel = DiscordChannel(WebhookConfig(url=f"{sink.url}{DISCORD_PATH}?thread_id=77"))
    await send(channel, news())
    await channel.close()
    assert sink.got[0].query == {"thread_id": "77", "wait": "true"}


async def test_discords_used_up_budget_is_heeded(discord: tuple[DiscordSink, DiscordChannel]) -> None:
    sink, channel = discord
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25"}
    sink.script.append(Reply(200, {"id": "5"}, headers))
    answer = await channel.deliver(channel.parts(news(), WHEN)[0])
    assert (answer.text, answer.pause_s) == ("message 5", 1.25)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(404, {"message": "Unknown Webhook", "code": 10015}), FatalError, "make a new webhook"),
        (
            Reply(401, {"message": "Invalid Webhook Token", "code": 50027}),
            FatalError,
            "Invalid Webhook Token",
        ),
        (Reply(400, {"message": "Invalid Form Body", "code": 50035}), RefusedError, "Invalid Form Body"),
        (Reply(503, "down"), RetryableError, "HTTP 503"),
        (Reply(200, "<html>"), UnknownOutcomeError, "proxy"),
        (Reply(drop=True), UnknownOutcomeError, "the connection broke"),
    ],
)
async def test_what_discords_refusals_mean(
    discord: tuple[DiscordSink, DiscordChannel], reply: Reply, error: type[PortError], words: str
) -> None:
    sink, channel = discord
    sink.always = reply
    told = await error_of(channel)
    assert type(told) is error
    assert words in str(told)


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        ({"message": "You are being rate limited.", "retry_after": 64.57, "global": False}, {}, 64.57),
        ({"message": "limited"}, {"Retry-After": "65"}, 65.0),
        ({"message": "limited", "retry_after": 9e9}, {}, 3600.0),
        ({"message": "limited", "retry_after": "soon"}, {}, 10.0),
    ],
)
async def test_discords_pause_is_seconds_in_the_body_or_the_header(
    discord: tuple[DiscordSink, DiscordChannel], body: dict[str, Any], headers: dict[str, str], wait: float
) -> None:
    sink, channel = discord
    sink.script.append(Reply(429, body, headers))
    told = await error_of(channel)
    assert isinstance(told, HeldError)
    assert told.after_s == wait


def a_telegram(base: str) -> Channel:
    return TelegramChannel(TelegramConfig(token=TOKEN, chats=(1,), base_url=base), 1)


def a_slack(base: str) -> Channel:
    return SlackChannel(WebhookConfig(url=base + SLACK_PATH))


def a_discord(base: str) -> Channel:
    return DiscordChannel(WebhookConfig(url=base + DISCORD_PATH))


@pytest.mark.parametrize("make", [a_telegram, a_slack, a_discord])
async def test_an_unreachable_service_is_retryable_and_tells_no_secret(
    make: Callable[[str], Channel], unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = make(f"http://127.0.0.1:{unused_tcp_port}")
    told = await error_of(channel)
    assert type(told) is RetryableError
    await channel.close()
    assert not any(canary in caplog.text for canary in CANARIES)


@pytest.mark.parametrize("make", [a_telegram, a_slack, a_discord])
@pytest.mark.parametrize("base", ["", "not a url", "ftp://127.0.0.1", "http://[bad"])
async def test_a_broken_address_is_definitive_and_tells_no_secret(
    make: Callable[[str], Channel], base: str
) -> None:
    channel = make(base)
    assert type(await error_of(channel)) is FatalError
    await channel.close()


async def test_no_answer_in_time_means_it_may_have_arrived() -> None:
    from adapters.notify.channels.web import Web

    async with SlackSink() as sink:
        sink.always = Reply(hang=True)
        web = Web("Slack", (SLACK_PATH,), answer_s=0.05)
        with pytest.raises(UnknownOutcomeError, match=r"no answer within 0\.05 s"):
            await web.post(sink.url + SLACK_PATH, {})
        assert len(sink.got) == 1
        await web.close()


async def test_a_huge_answer_is_not_read_whole() -> None:
    from adapters.notify.channels.web import Web

    async with Sink() as sink:
        sink.always = Reply(200, "x" * 2_000_000)
        web = Web("Slack", ())
        response = await asyncio.wait_for(web.post(sink.url, {}), 5)
        assert len(response.body) < 600_000
        await web.close()


def test_no_repr_shows_a_secret() -> None:
    shown = repr(
        (
            TelegramConfig(token=TOKEN, chats=(1,)),
            WebhookConfig(url="https://hooks.example" + SLACK_PATH),
            WebhookConfig(url="https://discord.example" + DISCORD_PATH),
        )
    )
    assert not any(canary in shown for canary in CANARIES)
