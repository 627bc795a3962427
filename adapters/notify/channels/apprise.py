"""Every service that apprise knows. Apprise is an extra, loaded when it is first needed.

Apprise tells success or failure; why it failed stands in its debug log, which is read here and goes nowhere
else: it names accounts and addresses.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import logging
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from adapters.common.redaction import scrub
from adapters.notify.channels.channel import Payload, Receipt
from adapters.notify.config import AppriseConfig
from adapters.notify.content.message import Message, plain_text
from engine.model.errors import FatalError, RetryableError
from engine.model.notices import Severity

_TYPES = {
    Severity.INFO: "info",
    Severity.GOOD: "success",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "failure",
}
_REASON = "Socket Exception: "
_CAUSE = re.compile(r"\[Errno -?\d+\] ([^'\")\]]+)")

_T = TypeVar("_T")


class AppriseChannel:
    """One service by its apprise URL, in plain text."""

    def __init__(self, config: AppriseConfig) -> None:
        self.name = config.name
        self._config = config
        self._service: Any = None

    def payloads(self, message: Message, when: str) -> Sequence[Payload]:
        body = plain_text(message, when).partition("\n")[2].strip("\n")
        return [
            {
                "title": message.headline,
                "body": body or message.headline,
                "body_format": "text",
                "notify_type": _TYPES[message.severity],
            }
        ]

    async def deliver(self, payload: Payload) -> Receipt:
        if self._service is None:
            self._service = load_apprise().Apprise.instantiate(self._config.url.reveal())
            if self._service is None:
                raise FatalError(
                    f"{self.name}: apprise does not understand its URL; see apprise's list of services"
                )
        ok, told = await send(self._service, payload)
        if not ok:
            raise RetryableError(f"{self.name}: {scrub(last_words(told), *self._config.secrets)}")
        return Receipt("accepted")

    async def close(self) -> None:
        self._service = None


def load_apprise() -> Any:
    """The library, with its log kept to itself. Raises FatalError where it is not installed."""
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        raise FatalError(
            "mail and other services need apprise: in tstream's folder, "
            '.venv/bin/pip install -c constraints.txt -e ".[notify]"'
        ) from None
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.DEBUG)
    return apprise


async def send(service: Any, payload: Payload) -> tuple[bool, list[str]]:
    """Whether the service took it, and apprise's log of the attempt."""
    apprise = load_apprise()

    def work() -> tuple[bool, list[str]]:
        sender = apprise.Apprise()
        sender.add(service)
        result = sender.notify(**payload, log_level=logging.DEBUG)
        return bool(result), [entry.message for entry in result.logs()]

    return await _run_in_thread(work, f"notify {type(service).__name__}")


def last_words(told: Sequence[str]) -> str:
    """The line that says most: the last exception, else the last one before apprise's closing words."""
    exceptions = [line.removeprefix(_REASON) for line in told if line.startswith(_REASON)]
    if exceptions:
        cause = _CAUSE.search(exceptions[-1])
        return cause[1].lower() if cause is not None else exceptions[-1]
    lines = [line for line in told if "completed in" not in line and not line.startswith("Sent ")]
    return lines[-1] if lines else "apprise reports a failure without a reason"


async def _run_in_thread(work: Callable[[], _T], name: str) -> _T:
    """What blocking `work` returns or raises, from a thread that never holds up the end of the program.

    Cancelling stops the waiting only, not the work.
    """
    done: concurrent.futures.Future[_T] = concurrent.futures.Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001 - handed on to whoever waits
            done.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.shield(asyncio.wrap_future(done))
