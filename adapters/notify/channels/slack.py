"""Slack as a channel: an incoming webhook. Structure gives the form; texts are never parsed as mrkdwn."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.notify.channels.channel import WIDE, Payload, Receipt
from adapters.notify.channels.http_client import HttpClient, webhook_refusal
from adapters.notify.config import WebhookConfig
from adapters.notify.content.chunks import cut
from adapters.notify.content.formats import COLOURS
from adapters.notify.content.message import Message, MessageSection
from engine.model.errors import UnknownOutcomeError

TITLE, TEXT, VALUE, FIELDS, ATTACHMENTS = 300, 2800, 500, 20, 20
"""Longest texts and most parts of one message; Slack publishes no firm figures, these stay well below."""

_PACE_S = 1.0
"""Slack takes about one message a second."""
_PAUSE_S = 30.0
_REMEDY = "make a new incoming webhook in Slack and put its address into .env"


def slack_body(message: Message, when: str) -> Payload:
    """One request. Fields and texts of attachments are not formatted unless asked for (`mrkdwn_in`)."""
    color = f"#{COLOURS[message.severity]:06x}"
    head = {
        "color": color,
        "fallback": _text(message.headline, TITLE),
        "title": _text(message.headline, TITLE),
        "text": _text("\n".join(message.lines), TEXT),
        "mrkdwn_in": [],
    }
    attachments = [head, *(_attachment(part, color) for part in _split(message.sections))][:ATTACHMENTS]
    if when:
        attachments[-1]["footer"] = _text(when, TITLE)
    return {
        "attachments": attachments,
        "link_names": 0,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _attachment(section: MessageSection, color: str) -> Payload:
    return {
        "color": color,
        "fallback": _text(section.title, TITLE),
        "title": _text(section.title, TITLE),
        "fields": [
            {
                "title": _text(field.name, TITLE),
                "value": _text(field.value, VALUE),
                "short": len(field.value) < WIDE,
            }
            for field in section.fields
        ],
        "mrkdwn_in": [],
    }


def _split(sections: Sequence[MessageSection]) -> list[MessageSection]:
    """Sections of at most `FIELDS` fields."""
    return [
        MessageSection(section.title if start == 0 else "", section.fields[start : start + FIELDS])
        for section in sections
        for start in range(0, max(len(section.fields), 1), FIELDS)
    ]


def _text(text: str, most: int) -> str:
    """Cut and escaped: & < > are what Slack reads links and mentions from."""
    return cut(text, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class SlackChannel:
    name = "slack"

    def __init__(self, config: WebhookConfig) -> None:
        self._url = config.url
        self._http = HttpClient("Slack", config.secrets)

    def payloads(self, message: Message, when: str) -> Sequence[Payload]:
        return [slack_body(message, when)]

    async def deliver(self, payload: Payload) -> Receipt:
        response = await self._http.post(self._url.reveal(), payload)
        told = self._http.scrub(response.body[:200].decode(errors="replace")) or f"HTTP {response.status}"
        if response.status == 200:
            if told.strip() != "ok":
                raise UnknownOutcomeError("Slack: the answer is not Slack's; is a proxy between?")
            return Receipt("ok", _PACE_S)
        raise webhook_refusal("Slack", response.status, told, response.pause_s(None, _PAUSE_S), _REMEDY)

    async def close(self) -> None:
        await self._http.close()
