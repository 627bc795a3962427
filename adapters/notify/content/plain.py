"""A message as plain text: what mail clients fall back to, what apprise gets, what a terminal shows."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.notify.content.message import Message


def plain_text(message: Message, when: str) -> str:
    """Lines without any markup."""
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
