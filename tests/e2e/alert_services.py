"""What surrounds a person with an alert room: Discord with the room, and four channels for news."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller

from engine.model.market import NANOS
from tests.discord.fake import CHANNEL, TOKEN, FakeDiscord
from tests.discord.rows import EPOCH_MS
from tests.discord.scenes import ANALYST, RELAY
from tests.notify.sinks import DiscordSink, Got, SlackSink, TelegramSink

CHAT = 4711
BOT = "123456789:AAe2eCanaryCanaryCanaryCanaryCanary1"
SLACK, HOOK = "/services/T0/B0/slackCanary", "/api/webhooks/1/discordCanary"

ROOM = f"""
[rooms.twi]
channels = [{CHANNEL}]
authors = [{RELAY.id}, {ANALYST.id}]
contracts = {{ ES = "MES" }}
size_a = 4
targets_points = [4, 9]
"""

SETTINGS = """
contracts = ["MES"]
[risk]
per_trade_usd = 500
[discord]
api_url = "{discord.api_url}"
gateway_url = "{discord.gateway_url}"
"""

EVENTS = '["trade_entry", "trade_exit"]'

NEWS = f"""
[notify]
telegram_chats = [{CHAT}]
telegram_url = "{{telegram.url}}"
telegram_events = {EVENTS}
slack_events = {EVENTS}
discord_events = {EVENTS}
mail_server = "127.0.0.1"
mail_port = {{mail.port}}
mail_security = "insecure"
mail_from = "tstream@example.org"
mail_to = ["trader@example.org"]
"""

SECRETS = f"""
TSTREAM_NOTIFY_TELEGRAM_TOKEN={BOT}
TSTREAM_NOTIFY_SLACK_URL={{slack.url}}{SLACK}
TSTREAM_NOTIFY_DISCORD_URL={{news.url}}{HOOK}
"""


class Mailbox:
    """Takes every mail."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.texts: list[str] = []
        """Subject and text of each."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain", "html"))
        assert body is not None
        self.texts.append(f"{mail['Subject']}\n{body.get_content()}")
        return "250 taken"


@dataclass
class Channels:
    telegram: TelegramSink
    slack: SlackSink
    news: DiscordSink
    mail: Mailbox

    def told(self) -> dict[str, list[str]]:
        """The messages of each, in words; escapes of the services left out."""
        return {
            "telegram": self.telegram.texts,
            "discord": [_words(got) for got in self.news.got],
            "mail": self.mail.texts,
            "slack": [_words(got) for got in self.slack.got],
        }

    def told_of(self, words: str, *names: str) -> bool:
        """Whether each of these channels, or of all, was told this once for each book."""
        told = self.told()
        return all(
            sum(f"[{badge}] {words}" in text.split("\n")[0] for text in told[name]) == 1
            for name in names or told
            for badge in ("PRACTICE", "PAPER")
        )

    @property
    def settings(self) -> str:
        return NEWS.format(**vars(self))

    @property
    def secrets(self) -> str:
        return SECRETS.format(**vars(self))


@asynccontextmanager
async def channels(mail_port: int) -> AsyncIterator[Channels]:
    async with TelegramSink() as telegram, SlackSink() as slack, DiscordSink() as news:
        with _mailbox(mail_port) as mail:
            yield Channels(telegram, slack, news, mail)


@contextmanager
def _mailbox(port: int) -> Iterator[Mailbox]:
    box = Mailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def furnish(home: Path, discord: FakeDiscord, more: str = "", secrets: str = "", room: str = "") -> None:
    """Write settings and secrets; `room` are further lines of the room's."""
    home.mkdir()
    (home / "tstream.toml").write_text(SETTINGS.format(discord=discord) + more + ROOM + room)
    (home / ".env").write_text(f"TSTREAM_DISCORD_TOKEN={TOKEN}\n{secrets}")
    (home / ".env").chmod(0o600)


def posted_at(message: int) -> float:
    """When a message was posted, seconds of the real clock."""
    return ((message >> 22) + EPOCH_MS) / 1000


def _words(got: Got) -> str:
    return str(got.body).replace("\\", "")


class Moment(NamedTuple):
    at: float
    """Seconds from the alert's being posted."""
    what: str

    def __str__(self) -> str:
        return f"{self.at:7.3f} s  {self.what}"


@dataclass
class Timeline:
    """What was seen of an alert, in the order in which it should happen."""

    posted_ts: int
    """By the venue's clock, nanoseconds UTC."""
    moments: list[Moment] = field(default_factory=list)

    def add(self, ts: int, what: str) -> float:
        """Something at a time of the venue's clock; seconds from the post to it."""
        self.moments.append(Moment((ts - self.posted_ts) / NANOS, what))
        return self.moments[-1].at

    @property
    def in_order(self) -> bool:
        return self.moments == sorted(self.moments, key=lambda moment: moment.at)

    def __str__(self) -> str:
        return "\n".join(map(str, self.moments))
