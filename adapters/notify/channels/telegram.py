"""Telegram as a channel: one chat of one bot, messages as its HTML."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator, Sequence

from adapters.notify.channels.bot_api import BotApi, BotReply
from adapters.notify.channels.channel import Payload, Receipt
from adapters.notify.config import TelegramConfig
from adapters.notify.content.chunks import packed, pieces, utf16_units
from adapters.notify.content.message import Message
from engine.model.errors import FatalError, RefusedError

log = logging.getLogger(__name__)

LIMIT = 4096
"""UTF-16 units of one message. Telegram counts them without the tags: we stay below with them."""
_TAGS = re.compile(r"</?[a-z]+>")
_TAGGED = len("<b></b>")


def telegram_html(message: Message, when: str) -> list[str]:
    """The message in blocks of at most `LIMIT`. Every tag is closed on its own line; cuts are at lines."""
    blocks = (block.strip("\n") for block in packed(_lines(message, when), LIMIT, utf16_units))
    return [block for block in blocks if block]


def _lines(message: Message, when: str) -> Iterator[str]:
    yield from _tagged("b", message.headline)
    for line in message.lines:
        yield from _tagged("", line)
    for section in message.sections:
        yield ""
        if section.title:
            yield from _tagged("b", section.title)
        for field in section.fields:
            yield from _tagged("", f"{field.name}: {field.value}")
    if when:
        yield ""
        yield from _tagged("i", when)


def _tagged(tag: str, text: str) -> Iterator[str]:
    for piece in pieces(text, LIMIT - _TAGGED, _escaped_units):
        yield f"<{tag}>{_escape(piece)}</{tag}>" if tag else _escape(piece)


def _escape(text: str) -> str:
    return html.escape(text, quote=True).replace("&#x27;", "'")


def _escaped_units(text: str) -> int:
    return utf16_units(_escape(text))


def without_tags(text: str) -> str:
    """Our HTML as the plain text that it shows."""
    return html.unescape(_TAGS.sub("", text))


class TelegramChannel:
    """Sends to one chat. `name` tells several chats apart by their place in the settings, not by their id."""

    def __init__(self, config: TelegramConfig, chat: int | str, name: str = "telegram") -> None:
        self.name = name
        self._chat = chat
        self._bot = BotApi(config.base_url, config.token, config.secrets)

    def payloads(self, message: Message, when: str) -> Sequence[Payload]:
        return [{"text": block, "parse_mode": "HTML"} for block in telegram_html(message, when)]

    async def deliver(self, payload: Payload) -> Receipt:
        said = await self._send(payload)
        if said.migrated_to is not None:
            log.warning("%s: the group's id is now %d: put it into the settings", self.name, said.migrated_to)
            self._chat = said.migrated_to
            said = await self._send(payload)
        if said.code == 400 and "can't parse" in said.description and "parse_mode" in payload:
            said = await self._send({"text": without_tags(payload["text"])})
        if said.ok:
            number = said.result.get("message_id") if isinstance(said.result, dict) else None
            return Receipt(f"message {number}")
        raise self._refusal(said)

    async def close(self) -> None:
        await self._bot.close()

    async def _send(self, payload: Payload) -> BotReply:
        return await self._bot.call(
            "sendMessage", {"chat_id": self._chat, "link_preview_options": {"is_disabled": True}, **payload}
        )

    def _refusal(self, said: BotReply) -> FatalError | RefusedError:
        if said.code == 403:
            return FatalError(
                f"the bot may not write to this chat: open it in Telegram and press Start, or add the bot to "
                f"the group again ({said.description})"
            )
        if said.code == 400 and "chat not found" in said.description:
            return FatalError(
                "Telegram does not know this chat: write to the bot first, then check the chat id "
                f"({said.description})"
            )
        return RefusedError(f"Telegram: {said.description}", said.code)
