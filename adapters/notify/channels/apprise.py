"""Mail, and every other service that apprise knows. Apprise is an extra, loaded when it is first needed.

Apprise tells success or failure; why it failed stands in its debug log, which is read here and goes nowhere
else: it names accounts and addresses.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Sequence
from typing import Any

from adapters.common.redaction import scrub
from adapters.notify.channels.channel import Answer, Part
from adapters.notify.config import AppriseConfig, MailConfig
from adapters.notify.content.mail_html import mail_html, subject
from adapters.notify.content.message import Message
from adapters.notify.content.plain import plain_text
from adapters.notify.dispatch.threads import aside
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Severity

_TYPES = {
    Severity.INFO: "info",
    Severity.GOOD: "success",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "failure",
}
_PORTS = {"starttls": 587, "ssl": 465, "insecure": 25}
_SMTP = re.compile(r"Socket Exception: \(?(\d{3})\b|was refused: (\d{3})\b|Socket Exception: \{.*?\((\d{3}),")
_TOO_LATE = re.compile(r"Socket Exception: .*(?:timed out|unexpectedly closed)")
_REASON = "Socket Exception: "


class MailChannel:
    """Mail to each recipient by SMTP, HTML with its plain text in front."""

    name = "mail"

    def __init__(self, config: MailConfig) -> None:
        self._config = config
        self._services: dict[str, Any] = {}

    def parts(self, message: Message, when: str) -> Sequence[Part]:
        mail = {"title": subject(message), "body": mail_html(message, when), "body_format": "html"}
        return [{**mail, "recipient": recipient} for recipient in self._config.recipients]

    async def deliver(self, part: Part) -> Answer:
        recipient = part["recipient"]
        service = self._services.get(recipient)
        if service is None:
            service = self._services[recipient] = self._service(_apprise(), recipient)
        sent = {name: value for name, value in part.items() if name != "recipient"}
        ok, told = await _notify(service, sent)
        if not ok:
            raise _mail_error(told, self._config)
        return Answer(f"{self._config.server} took it for {recipient}")

    async def close(self) -> None:
        self._services.clear()

    def _service(self, apprise: Any, recipient: str) -> Any:
        config = self._config
        if config.security == "insecure" and config.password and config.server not in _LOOPBACK:
            raise FatalError("mail: a password over an unencrypted line: use starttls or ssl")
        plugin = {
            "schema": "mailto" if config.security == "insecure" else "mailtos",
            "host": config.server,
            "smtp_host": config.server,
            "port": config.port or _PORTS[config.security],
            "secure_mode": config.security,
            "user": config.user or None,
            "password": config.password or None,
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


class AppriseChannel:
    """One service by its apprise URL, in plain text."""

    def __init__(self, config: AppriseConfig) -> None:
        self.name = config.name
        self._config = config
        self._service: Any = None

    def parts(self, message: Message, when: str) -> Sequence[Part]:
        body = plain_text(message, when).partition("\n")[2].strip("\n")
        return [
            {
                "title": message.headline,
                "body": body or message.headline,
                "body_format": "text",
                "notify_type": _TYPES[message.severity],
            }
        ]

    async def deliver(self, part: Part) -> Answer:
        if self._service is None:
            self._service = _apprise().Apprise.instantiate(self._config.url)
            if self._service is None:
                raise FatalError(
                    f"{self.name}: apprise does not understand its URL; see apprise's list of services"
                )
        ok, told = await _notify(self._service, part)
        if not ok:
            raise RetryableError(f"{self.name}: {scrub(_last(told), *self._config.secrets)}")
        return Answer("accepted")

    async def close(self) -> None:
        self._service = None


_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _apprise() -> Any:
    """The library, with its log kept to itself. Raises FatalError where it is not installed."""
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        raise FatalError('mail and other services need apprise: pip install "tstream[notify]"') from None
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.DEBUG)
    return apprise


async def _notify(service: Any, part: Part) -> tuple[bool, list[str]]:
    """Whether the service took it, and apprise's log of the attempt."""
    apprise = _apprise()

    def work() -> tuple[bool, list[str]]:
        sender = apprise.Apprise()
        sender.add(service)
        result = sender.notify(**part, log_level=logging.DEBUG)
        return bool(result), [entry.message for entry in result.logs()]

    return await aside(work, f"notify {type(service).__name__}")


def _mail_error(told: Sequence[str], config: MailConfig) -> PortError:
    """What a failed mail means: SMTP's 4xx are retried, its 5xx never."""
    text = "\n".join(told)
    reason = scrub(_last(told), *config.secrets)
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


def _last(told: Sequence[str]) -> str:
    """The line that says most: the last exception, else the last one before apprise's closing words."""
    exceptions = [line.removeprefix(_REASON) for line in told if line.startswith(_REASON)]
    if exceptions:
        return exceptions[-1]
    lines = [line for line in told if "completed in" not in line and not line.startswith("Sent ")]
    return lines[-1] if lines else "apprise reports a failure without a reason"
