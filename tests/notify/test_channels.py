"""Telegram, Slack and Discord over real sockets: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.common.secret import Secret
from adapters.notify.channels.channel import Channel, RateLimitedError
from adapters.notify.channels.discord import DiscordChannel
from adapters.notify.channels.http_client import HttpClient
from adapters.notify.config import TelegramConfig, WebhookConfig
from adapters.notify.content.message import Message, section
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.orders import AccountKind
from tests.notify.scenes import news
from tests.notify.sinks import (
    CANARIES,
    DISCORD_PATH,
    SLACK_PATH,
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

WHEN = "09:42:17 CDT"

Service = tuple[type[Sink], Callable[[str], Channel]]
"""What stands in for a service, and the channel to it at an address."""

TELEGRAM: Service = TelegramSink, a_telegram
SLACK: Service = SlackSink, a_slack
DISCORD: Service = DiscordSink, a_discord


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[tuple[Sink, Channel]]:
    kind, make = service
    async with kind() as sink:
        channel = make(sink.url)
        yield sink, channel
        await channel.close()


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[Sink, Channel]]:
    async with serving(TELEGRAM) as both:
        yield both


@pytest.fixture
async def slack() -> AsyncIterator[tuple[Sink, Channel]]:
    async with serving(SLACK) as both:
        yield both


@pytest.fixture
async def discord() -> AsyncIterator[tuple[Sink, Channel]]:
    async with serving(DISCORD) as both:
        yield both


async def send(channel: Channel, message: Message) -> list[str]:
    return [(await channel.deliver(payload)).text for payload in channel.payloads(message, WHEN)]


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


async def test_telegram_gets_html_without_previews(telegram: tuple[Sink, Channel]) -> None:
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


async def test_a_long_message_comes_in_several(telegram: tuple[Sink, Channel]) -> None:
    sink, channel = telegram
    lines = tuple(f"line {number} " + "x" * 300 for number in range(30))
    assert await send(channel, news(lines=lines)) == ["message 1", "message 2", "message 3"]
    told = "\n".join(got.body["text"] for got in sink.got)
    assert all(f"line {number} " in told for number in range(30))


async def test_a_parse_error_is_answered_with_plain_text(
    telegram: tuple[Sink, Channel],
) -> None:
    sink, channel = telegram
    sink.script.append(telegram_no(400, "Bad Request: can't parse entities: unsupported start tag"))
    assert await send(channel, TRADE) == ["message 2"]
    again = sink.got[1].body
    assert "parse_mode" not in again
    assert again["text"].startswith("[LIVE] LONG 2 MNQ @ 21000.25 <&>\nbought")


async def test_a_group_that_moved_is_followed(
    telegram: tuple[Sink, Channel], caplog: pytest.LogCaptureFixture
) -> None:
    sink, channel = telegram
    sink.script.append(telegram_no(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100222))
    assert await send(channel, news()) == ["message 2"]
    assert [got.body["chat_id"] for got in sink.got] == [111, -100222]
    assert "-100222" in caplog.text


async def test_slack_gets_structure_and_says_ok(slack: tuple[Sink, Channel]) -> None:
    sink, channel = slack
    assert await send(channel, TRADE) == ["ok"]
    (got,) = sink.got
    assert got.path == SLACK_PATH
    head, position = got.body["attachments"]
    assert head["title"] == "[LIVE] LONG 2 MNQ @ 21000.25 &lt;&amp;&gt;"
    assert position["fields"][0] == {"title": "Stop", "value": "20990.25", "short": True}
    assert position["footer"] == WHEN


async def test_discord_gets_embeds_without_mentions(discord: tuple[Sink, Channel]) -> None:
    sink, channel = discord
    assert await send(channel, TRADE) == ["message 1001"]
    (got,) = sink.got
    assert (got.path, got.query) == (DISCORD_PATH, {"wait": "true"})
    assert got.body["allowed_mentions"] == {"parse": []}
    assert got.body["embeds"][1]["fields"][0] == {"name": "Stop", "value": "20990.25", "inline": True}


async def test_a_thread_in_discords_address_stays(discord: tuple[Sink, Channel]) -> None:
    sink, _ = discord
    channel = DiscordChannel(WebhookConfig(url=Secret(f"{sink.url}{DISCORD_PATH}?thread_id=77")))
    await send(channel, news())
    await channel.close()
    assert sink.got[0].query == {"thread_id": "77", "wait": "true"}


async def test_discords_used_up_budget_is_heeded(discord: tuple[Sink, Channel]) -> None:
    sink, channel = discord
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25"}
    sink.script.append(Reply(200, {"id": "5"}, headers))
    answer = await channel.deliver(channel.payloads(news(), WHEN)[0])
    assert (answer.text, answer.pause_s) == ("message 5", 1.25)


@pytest.mark.parametrize(
    ("service", "reply", "error", "words"),
    [
        (TELEGRAM, telegram_no(401, "Unauthorized"), FatalError, "@BotFather"),
        (TELEGRAM, telegram_no(404, "Not Found"), FatalError, "@BotFather"),
        (TELEGRAM, telegram_no(403, "Forbidden: bot was blocked by the user"), FatalError, "press Start"),
        (TELEGRAM, telegram_no(400, "Bad Request: chat not found"), FatalError, "write to the bot first"),
        (
            TELEGRAM,
            telegram_no(400, "Bad Request: message text is empty"),
            RefusedError,
            "message text is empty",
        ),
        (TELEGRAM, telegram_no(502, "Bad Gateway"), RetryableError, "Bad Gateway"),
        (TELEGRAM, Reply(302, "", {"Location": "https://elsewhere.example/"}), FatalError, "base URL"),
        (TELEGRAM, Reply(200, "<html>log in to this network</html>"), UnknownOutcomeError, "proxy"),
        (TELEGRAM, Reply(drop=True), UnknownOutcomeError, "the connection broke"),
        (SLACK, Reply(403, "invalid_token"), FatalError, "make a new incoming webhook"),
        (SLACK, Reply(404, "no_service"), FatalError, "no_service"),
        (SLACK, Reply(410, "channel_is_archived"), FatalError, "channel_is_archived"),
        (SLACK, Reply(400, "invalid_payload"), RefusedError, "invalid_payload"),
        (SLACK, Reply(413, "too_many_attachments"), RefusedError, "too_many_attachments"),
        (SLACK, Reply(500, "rollup_error"), RetryableError, "rollup_error"),
        (SLACK, Reply(200, "<html>"), UnknownOutcomeError, "proxy"),
        (SLACK, Reply(drop=True), UnknownOutcomeError, "the connection broke"),
        (
            DISCORD,
            Reply(404, {"message": "Unknown Webhook", "code": 10015}),
            FatalError,
            "make a new webhook",
        ),
        (
            DISCORD,
            Reply(401, {"message": "Invalid Webhook Token", "code": 50027}),
            FatalError,
            "Invalid Webhook Token",
        ),
        (
            DISCORD,
            Reply(400, {"message": "Invalid Form Body", "code": 50035}),
            RefusedError,
            "Invalid Form Body",
        ),
        (DISCORD, Reply(503, "down"), RetryableError, "HTTP 503"),
        (DISCORD, Reply(200, "<html>"), UnknownOutcomeError, "proxy"),
        (DISCORD, Reply(drop=True), UnknownOutcomeError, "the connection broke"),
    ],
)
async def test_what_each_refusal_means(
    service: Service, reply: Reply, error: type[PortError], words: str
) -> None:
    async with serving(service) as (sink, channel):
        sink.always = reply
        told = await error_of(channel)
        assert type(told) is error
        assert words in str(told)


@pytest.mark.parametrize(
    ("service", "reply", "wait_s"),
    [
        (TELEGRAM, flood(17), 17),
        (SLACK, Reply(429, "rate_limited", {"Retry-After": "30"}), 30),
        (DISCORD, Reply(429, {"message": "You are being rate limited.", "retry_after": 64.57}), 64.57),
        (DISCORD, Reply(429, {"message": "limited"}, {"Retry-After": "65"}), 65),
        (DISCORD, Reply(429, {"message": "limited", "retry_after": 9e9}), 3600),
        (DISCORD, Reply(429, {"message": "limited", "retry_after": "soon"}), 10),
    ],
)
async def test_each_service_says_how_long_it_wants_to_be_left_alone(
    service: Service, reply: Reply, wait_s: float
) -> None:
    async with serving(service) as (sink, channel):
        sink.script.append(reply)
        told = await error_of(channel)
        assert isinstance(told, RateLimitedError)
        assert told.after_s == wait_s


@pytest.mark.parametrize("make", [a_telegram, a_slack, a_discord])
async def test_an_unreachable_service_is_retryable_and_tells_no_secret(
    make: Callable[[str], Channel], unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = make(f"http://127.0.0.1:{unused_tcp_port}")
    told = await error_of(channel)
    assert type(told) is RetryableError
    assert str(told).endswith("can't be reached: nothing listens there")
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
    async with SlackSink() as sink:
        sink.always = Reply(hang=True)
        http = HttpClient("Slack", (SLACK_PATH,), answer_s=0.05)
        with pytest.raises(UnknownOutcomeError, match=r"no answer within 0\.05 s"):
            await http.post(sink.url + SLACK_PATH, {})
        assert len(sink.got) == 1
        await http.close()


async def test_a_huge_answer_is_not_read_whole() -> None:
    async with Sink() as sink:
        sink.always = Reply(200, "x" * 2_000_000)
        http = HttpClient("Slack", ())
        response = await asyncio.wait_for(http.post(sink.url, {}), patient(5))
        assert len(response.body) < 600_000
        await http.close()


def test_no_repr_shows_a_secret() -> None:
    shown = repr(
        (
            TelegramConfig(token=Secret(TOKEN), chats=(1,)),
            WebhookConfig(url=Secret("https://hooks.example" + SLACK_PATH)),
            WebhookConfig(url=Secret("https://discord.example" + DISCORD_PATH)),
        )
    )
    assert not any(canary in shown for canary in CANARIES)
