"""Mail to each recipient by SMTP, through apprise: HTML with its plain text in front.

Every text in the HTML is escaped; it needs no picture and no style sheet.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from adapters.common.redaction import scrub
from adapters.common.secret import LOOPBACK
from adapters.notify.channels.apprise import last_words, load_apprise, send
from adapters.notify.channels.channel import Payload, Receipt
from adapters.notify.config import MailConfig
from adapters.notify.content.message import Message
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Severity

_PORTS = {"starttls": 587, "ssl": 465, "insecure": 25}
_SMTP = re.compile(r"Socket Exception: \(?(\d{3})\b|was refused: (\d{3})\b|Socket Exception: \{.*?\((\d{3}),")
_TOO_LATE = re.compile(r"Socket Exception: .*(?:timed out|unexpectedly closed)")
_COLOURS = {
    Severity.INFO: "#5f6b7a",
    Severity.GOOD: "#1d7f49",
    Severity.WARNING: "#9a6b00",
    Severity.CRITICAL: "#b3261e",
}


class MailChannel:
    name = "mail"

    def __init__(self, config: MailConfig) -> None:
        self._config = config
        self._services: dict[str, Any] = {}

    def payloads(self, message: Message, when: str) -> Sequence[Payload]:
        mail = {"title": subject(message), "body": mail_html(message, when), "body_format": "html"}
        return [{**mail, "recipient": recipient} for recipient in self._config.recipients]

    async def deliver(self, payload: Payload) -> Receipt:
        recipient = payload["recipient"]
        service = self._services.get(recipient)
        if service is None:
            service = self._services[recipient] = self._service(load_apprise(), recipient)
        sent = {name: value for name, value in payload.items() if name != "recipient"}
        ok, told = await send(service, sent)
        if not ok:
            raise _error(told, self._config)
        return Receipt(f"{self._config.server} took it for {recipient}")

    async def close(self) -> None:
        self._services.clear()

    def _service(self, apprise: Any, recipient: str) -> Any:
        config = self._config
        if config.security == "insecure" and config.password and config.server not in LOOPBACK:
            raise FatalError("mail: a password over an unencrypted line: use starttls or ssl")
        plugin = {
            "schema": "mailto" if config.security == "insecure" else "mailtos",
            "host": config.server,
            "smtp_host": config.server,
            "port": config.port or _PORTS[config.security],
            "secure_mode": config.security,
            "user": config.user or None,
            "password": config.password.reveal() or None,
            "from_addr": config.sender,
            "targets": [recipient],
            "verify": config.verify,
            "format": "html",
        }
        service = apprise.Apprise.instantiate(plugin)
        if service is None:
            raise FatalError("mail: server, sender or recipient in the settings is not valid")
        service.request_rate_per_sec = 0  # the outbox paces already
        return service


def subject(message: Message) -> str:
    """The mail's subject: one line, as cleaned texts are."""
    return f"tstream: {message.headline}"


def mail_html(message: Message, when: str) -> str:
    """A whole document. Read without its tags it still has one fact a line."""
    color = _COLOURS[message.severity]
    body = [f'<h2 style="margin:0 0 12px;color:{color};font-size:18px">{html.escape(message.headline)}</h2>']
    body += [f'<p style="margin:0 0 6px">{html.escape(line)}</p>' for line in message.lines]
    for section in message.sections:
        if section.title:
            body.append(f'<h3 style="margin:16px 0 4px;font-size:15px">{html.escape(section.title)}</h3>')
        facts = "".join(
            f'<p style="margin:0;padding:3px 0;border-bottom:1px solid #e4e7eb">'
            f'<span style="color:#5f6b7a">{html.escape(field.name)}:</span> '
            f"<b>{html.escape(field.value)}</b></p>"
            for field in section.fields
        )
        body.append(f'<div style="max-width:520px">{facts}</div>')
    if when:
        body.append(f'<p style="margin:16px 0 0;color:#5f6b7a;font-size:12px">{html.escape(when)}</p>')
    content = "\n".join(body)
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8"></head>\n'
        '<body style="margin:0;padding:16px;font-family:sans-serif;font-size:14px;color:#1f2933">\n'
        f"{content}\n</body></html>"
    )


def _error(told: Sequence[str], config: MailConfig) -> PortError:
    """What a failed mail means: SMTP's 4xx are retried, its 5xx never."""
    text = "\n".join(told)
    reason = scrub(last_words(told), *config.secrets)
    codes = [int(next(group for group in found if group)) for found in _SMTP.findall(text)]
    code = codes[-1] if codes else 0
    if code == 530:
        return FatalError(f"mail: {config.server} wants encryption or a login first ({reason})")
    if code in (534, 535, 538):
        return FatalError(
            f"mail: {config.server} refuses the login ({code}): check user and password; Gmail and others "
            "want an app password"
        )
    if code in (550, 551, 553, 554):
        return FatalError(f"mail: {config.server} refuses sender or recipient ({reason})")
    if code >= 500:
        return RefusedError(f"mail: {reason}", code)
    if _TOO_LATE.search(text) and any(line.startswith("SMTP Host: ") for line in told):
        return UnknownOutcomeError(f"mail: the connection broke while sending ({reason})")
    return RetryableError(f"mail: {reason}")
