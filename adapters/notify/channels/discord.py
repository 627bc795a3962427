"""Discord as a channel: a webhook, messages as embeds within its limits
(docs/protocols/discord.md#embed-limits).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from yarl import URL

from adapters.notify.channels.channel import WIDE, Payload, Receipt
from adapters.notify.channels.http_client import HttpClient, Response, seconds, webhook_refusal
from adapters.notify.config import WebhookConfig
from adapters.notify.content.chunks import cut
from adapters.notify.content.formats import COLOURS
from adapters.notify.content.message import Message
from engine.model.errors import PortError, UnknownOutcomeError
from engine.model.market import NANOS

TITLE, DESCRIPTION, FIELDS, NAME, VALUE, FOOTER = 256, 4096, 25, 256, 1024, 2048
TOTAL = 6000
"""Characters of all embeds of one message together."""
EMBEDS = 10

_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<:+-])")
_PAUSE_S = 10.0
_REMEDY = "make a new webhook in the channel's settings and put its address into .env"


def discord_bodies(message: Message, when: str) -> list[Payload]:
    """The message as requests of at most `EMBEDS` embeds and `TOTAL` characters each."""
    bodies: list[Payload] = []
    used = 0
    for embed in _embeds(message, when):
        size = _size(embed)
        if not bodies or used + size > TOTAL or len(bodies[-1]["embeds"]) == EMBEDS:
            bodies.append({"embeds": [], "allowed_mentions": {"parse": []}})
            used = 0
        bodies[-1]["embeds"].append(embed)
        used += size
    return bodies


def _embeds(message: Message, when: str) -> Iterator[dict[str, Any]]:
    """The head with the lines, then each section; what is too long for one embed goes on in the next."""
    color = COLOURS[message.severity]
    embeds = [
        {
            "title": _text(message.headline, TITLE),
            "description": _text("\n".join(message.lines), TOTAL // 2),
            "color": color,
        }
    ]
    for section in message.sections:
        fields = [
            {
                "name": _text(field.name, NAME),
                "value": _text(field.value, VALUE),
                "inline": len(field.value) < WIDE,
            }
            for field in section.fields
        ]
        embeds += [
            {"title": _text(section.title, TITLE) if number == 0 else "", "fields": batch, "color": color}
            for number, batch in enumerate(_batches(fields))
        ]
    embeds[-1]["footer"] = {"text": cut(when, TITLE)}
    embeds[-1]["timestamp"] = datetime.fromtimestamp(message.ts // NANOS, UTC).isoformat()
    for embed in embeds:
        yield {name: value for name, value in embed.items() if value not in ("", [])}


def _batches(fields: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Fields in lots that fit an embed, with room for its title and footer."""
    batch: list[dict[str, Any]] = []
    for field in fields:
        if batch and (len(batch) == FIELDS or _size({"fields": [*batch, field]}) > TOTAL - TITLE - FOOTER):
            yield batch
            batch = []
        batch.append(field)
    if batch:
        yield batch


def _size(embed: dict[str, Any]) -> int:
    texts = [embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", "")]
    fields = embed.get("fields", [])
    return sum(map(len, texts)) + sum(len(field["name"]) + len(field["value"]) for field in fields)


def _text(text: str, most: int) -> str:
    """Escaped so that it shows as written, and cut so that it is not too long after that."""
    return _MARKUP.sub(r"\\\1", cut(text, most, _escaped_size))


def _escaped_size(text: str) -> int:
    return len(text) + len(_MARKUP.findall(text))


class DiscordChannel:
    name = "discord"

    def __init__(self, config: WebhookConfig) -> None:
        self._url = config.url
        self._http = HttpClient("Discord", config.secrets)

    def payloads(self, message: Message, when: str) -> Sequence[Payload]:
        return discord_bodies(message, when)

    async def deliver(self, payload: Payload) -> Receipt:
        response = await self._http.post(self._address(), payload)
        if response.status in (200, 204):
            told = response.json()
            if response.status == 200 and "id" not in told:
                raise UnknownOutcomeError("Discord: the answer is not Discord's; is a proxy between?")
            return Receipt(f"message {self._http.scrub(told.get('id', ''))}".rstrip(), _pause(response))
        raise self._refusal(response)

    async def close(self) -> None:
        await self._http.close()

    def _address(self) -> str:
        """With the wish for an answer that names the message; a thread id in the address stays."""
        try:
            return str(URL(self._url.reveal()).update_query(wait="true"))
        except ValueError:
            return ""  # no URL at all: the post says so in words

    def _refusal(self, response: Response) -> PortError:
        told = response.json()
        words = self._http.scrub(told.get("message") or f"HTTP {response.status}")
        pause_s = response.pause_s(told.get("retry_after"), _PAUSE_S)
        return webhook_refusal("Discord", response.status, words, pause_s, _REMEDY)


def _pause(response: Response) -> float:
    """How long the webhook's budget is used up, by its headers."""
    if response.headers.get("X-RateLimit-Remaining") != "0":
        return 0.0
    return seconds(response.headers.get("X-RateLimit-Reset-After")) or 0.0
