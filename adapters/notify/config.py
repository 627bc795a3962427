"""What is sent where: plain values that tstream.convert makes of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from adapters.common.secret import Secret, words_of_address
from adapters.notify.content.message import NewsEvent
from engine.model.notices import Severity
from engine.model.setting import RESTART, live, restart

TELEGRAM_URL = "https://api.telegram.org"

TELEGRAM_BURST = 12
"""At a close that ends bars of several timeframes as many signals may come at once."""

_NO_PASSWORD = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one channel wants, and how much of it at a time."""

    events: frozenset[NewsEvent] = frozenset(NewsEvent)
    severity: Severity = Severity.INFO
    """Least severity that is sent."""
    per_minute: int = 20
    """Messages a minute; what comes faster is told together. Critical news is not held up."""
    burst: int = 5
    """So many may go at once after a pause."""
    books: Mapping[str, frozenset[NewsEvent]] = field(default_factory=dict)
    """What is wanted of single books in place of `events`, by the book's name."""

    def want(self, event: NewsEvent, book: str | None) -> bool:
        """Whether news of this kind, about a book or about none, is wanted."""
        return event in self.books.get(book or "", self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bot:
    token: Secret
    """As @BotFather gave it: digits, a colon, letters."""
    base_url: str = TELEGRAM_URL

    @property
    def secrets(self) -> tuple[str, ...]:
        token = self.token.reveal()
        return (token, token.partition(":")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramConfig(_Bot):
    chats: tuple[int | str, ...]
    """Ids of chats, negative for groups, or "@name" of a public channel."""
    rules: Rules = Rules(burst=TELEGRAM_BURST)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig:
    """An incoming webhook of Slack or Discord. Whoever knows its address may post there."""

    url: Secret
    rules: Rules = Rules()

    @property
    def secrets(self) -> tuple[str, ...]:
        return words_of_address(self.url.reveal())


@dataclass(frozen=True, slots=True, kw_only=True)
class MailConfig:
    server: str
    sender: str
    """The address in From."""
    recipients: tuple[str, ...]
    user: str = ""
    """Empty where the server asks for no login."""
    password: Secret = _NO_PASSWORD
    """For Gmail and the like an app password, not the one for the website."""
    security: Literal["starttls", "ssl", "insecure"] = "starttls"
    """"insecure" only for a server on this machine."""
    port: int = 0
    """0: 587 for starttls, 465 for ssl, 25 for insecure."""
    verify: bool = True
    """Check the server's certificate."""
    rules: Rules = Rules(per_minute=6, burst=3)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.password.reveal(),)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseConfig(WebhookConfig):
    """Any other service that apprise knows, by its URL."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramCommandsConfig(_Bot):
    """Commands from Telegram. A message counts only from these people in these chats."""

    chats: frozenset[int]
    users: frozenset[int]
    poll_s: int = 25
    """How long one request waits for news, seconds."""
    max_age_s: int = 60
    """An older command is not carried out."""
    code_s: int = 60
    """A confirmation code is good for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyConfig:
    """All of it. The order of the fields is the order in which channels stand in for one another."""

    telegram: TelegramConfig | None = None
    slack: WebhookConfig | None = None
    discord: WebhookConfig | None = None
    mail: MailConfig | None = None
    others: tuple[AppriseConfig, ...] = ()
    telegram_commands: TelegramCommandsConfig | None = None
    zone: Annotated[
        str,
        live(allowed="a time zone such as Europe/Helsinki", default="ui.timezone's"),
        "Time zone of the times in messages.",
    ] = ""
    """UTC where it is empty."""
    label: Annotated[str, RESTART, "Names this installation in messages."] = ""
    refusals: Annotated[bool, RESTART, "Tell of ideas that the gate refused, too."] = False
    status_minutes: Annotated[
        int, restart(ge=0, le=1440), "A status message so often, minutes; 0 sends none."
    ] = 0
    repeat_s: Annotated[
        float,
        live(key="repeat_seconds", ge=0, le=3600),
        "The same news within so many seconds is counted and told once.",
    ] = 60.0
    queue: Annotated[int, live(ge=10, le=10_000), "Messages that may wait for one channel."] = 200
    """On top of that the least important oldest is dropped."""
    escalate_s: Annotated[
        float,
        live(key="escalate_seconds", ge=1, le=600),
        "Critical news that nobody has delivered by then goes to another channel as well.",
    ] = 10.0
    flush_s: Annotated[
        float, live(key="flush_seconds", ge=0, le=60), "At the end, what waits gets so long to go out."
    ] = 5.0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that may appear in no log, message or picture."""
        parts = (self.telegram, self.slack, self.discord, self.mail, self.telegram_commands, *self.others)
        return tuple(secret for part in parts if part is not None for secret in part.secrets if secret)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return any((self.telegram, self.slack, self.discord, self.mail, self.others, self.telegram_commands))
