"""One piece of news, the same for every channel: a channel only decides how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from adapters.notify.content.sanitize import sanitize
from engine.model.notices import Severity
from engine.model.orders import AccountKind


class NewsEvent(StrEnum):
    """What news is about. A channel's `events` lists those that it wants."""

    START = "start"
    STOP = "stop"
    SIGNAL = "signal"
    TRADE_ENTRY = "trade_entry"
    TRADE_EXIT = "trade_exit"
    RISK = "risk"
    ERROR = "error"
    STATUS = "status"
    DAILY_SUMMARY = "daily_summary"


RANKS = {severity: rank for rank, severity in enumerate(Severity)}
"""info < good < warning < critical."""


class Field(Struct, frozen=True):
    """A named figure. Both texts are sanitized."""

    name: str
    value: str


class MessageSection(Struct, frozen=True):
    title: str
    fields: tuple[Field, ...]


class Message(Struct, frozen=True, kw_only=True):
    """Texts are sanitized (see `adapters.notify.content.sanitize`): plain words, never markup."""

    event: NewsEvent
    severity: Severity
    title: str
    ts: int
    """When it happened, nanoseconds UTC of the engine's clock."""
    kind: AccountKind | None = None
    """Whose money it is about: shown in front of everything, so that paper never looks like live."""
    mark: str = ""
    """A symbol in front of the title, for a quick eye."""
    lines: tuple[str, ...] = ()
    sections: tuple[MessageSection, ...] = ()
    instrument: str | None = None
    book: str | None = None
    origin: str = ""
    """Who speaks: the venue, and that its time is practice time."""
    key: str = ""
    """News with the same key is the same news again and may be counted together; empty is never so."""
    count: int = 1
    first_ts: int = 0
    """Of news counted together: when it happened first; 0 where it happened once."""

    @property
    def headline(self) -> str:
        """The line that has to say it all: badge, mark, title, and how often."""
        badge = f"[{self.kind.upper()}]" if self.kind is not None else ""
        times = f"×{self.count}" if self.count > 1 else ""
        return " ".join(part for part in (self.mark, badge, self.title, times) if part)


def fields(*pairs: tuple[str, object | None]) -> tuple[Field, ...]:
    """Named figures, sanitized; those whose value is None or empty are left out."""
    return tuple(
        Field(name, shown) for name, value in pairs if value is not None and (shown := sanitize(value))
    )


def section(title: str, *pairs: tuple[str, object | None]) -> tuple[MessageSection, ...]:
    """One section, or none where it would hold nothing."""
    found = fields(*pairs)
    return (MessageSection(title, found),) if found else ()


def plain_text(message: Message, when: str) -> str:
    """Lines without any markup: for mail clients, apprise and terminals."""
    return "\n".join(plain_lines(message, when))


def plain_lines(message: Message, when: str) -> Iterator[str]:
    yield message.headline
    yield from message.lines
    for section in message.sections:
        yield ""
        if section.title:
            yield section.title
        yield from (f"{field.name}: {field.value}" for field in section.fields)
    if when:
        yield ""
        yield when
