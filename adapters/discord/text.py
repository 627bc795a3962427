"""One text of all the places where an alert can stand in a message.

What is in it is data: control and direction characters, markup and mentions pass through. Only what can't be
written as UTF-8 is replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from adapters.discord.messages import RICH, TEXT_DISPLAY, Body, Component, Embed, RoomMessage

LONGEST = 12_000
"""Characters. Discord's own bounds add up to less; what comes on top is cut off."""

NO_TEXT = "[no text]"
"""Stands for a message of pictures, stickers and the like."""

_DEEPEST = 4
"""Levels of components that Discord nests."""


def text_of(message: RoomMessage, *, previews: bool, forwards: bool) -> str:
    """Content, embeds, text components and forwarded messages, whole, a line or more each.

    With `previews` off, all embeds are: an account that isn't a bot can't make any, so what it shows comes
    from the page of a link, and comes later than the message.
    """
    content = message.content if isinstance(message.content, str) else None
    embeds = message.embeds if previews else None
    own = Body(content=content, embeds=embeds, components=message.components)
    bodies = [own]
    if forwards:
        bodies += [snapshot.message for snapshot in message.message_snapshots or ()]
    text = "\n".join(part for body in bodies for part in _parts(body) if part.strip())
    return text.encode("utf-8", "replace").decode() if text else NO_TEXT


def cut(text: str) -> str:
    """At most LONGEST characters, with an ellipsis for what was cut off."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def digest(text: str) -> str:
    """Of the whole text: 16 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _parts(body: Body) -> Iterator[str]:
    yield body.content or ""
    for embed in body.embeds or ():
        if embed.type in (RICH, None):
            yield from _embedded(embed)
    yield from _displayed(body.components or (), _DEEPEST)


def _embedded(embed: Embed) -> Iterator[str]:
    """Footers are left out: they carry clocks and advertising, and each tick would be a revision."""
    yield (embed.author and embed.author.name) or ""
    yield embed.title or ""
    yield embed.description or ""
    for field in embed.fields or ():
        name, value = (field.name or "").strip(), (field.value or "").strip()
        if name and value:
            yield f"{name} {value}" if name.endswith(":") else f"{name}: {value}"
        else:
            yield name or value


def _displayed(components: Sequence[Component], depth: int) -> Iterator[str]:
    for component in components:
        if component.type == TEXT_DISPLAY:
            yield component.content or ""
        if depth:
            yield from _displayed(component.components or (), depth - 1)
