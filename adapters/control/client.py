"""The command line's end of the control socket; plain blocking calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from adapters.control.line import LOOK_SECONDS, NoEngineError, conversation, look
from adapters.control.protocol import ANSWER_SECONDS, NEWS_LONGEST, ControlReply, ControlRequest, NewsHeard
from engine.model.commands import AnyCommand
from engine.model.errors import RefusedError, RetryableError, UnknownOutcomeError
from engine.model.notices import Notice, Severity
from engine.model.questions import Question, Reply
from engine.model.view import View

T = TypeVar("T")

__all__ = ["NoEngineError", "fetch_view", "send_command"]


def fetch_view(path: Path, timeout: float = LOOK_SECONDS) -> View:
    """The running engine's newest View.

    Raises NoEngineError, RefusedError, RetryableError when the engine does not answer in `timeout` seconds.
    """
    return _decode(look(path, timeout=timeout), View)


def send_command(path: Path, command: AnyCommand, timeout: float = ANSWER_SECONDS) -> Notice:
    """Send a command and give the engine's answer, whose text is data.

    Raises NoEngineError, RefusedError when the engine did not understand the command, UnknownOutcomeError
    when it took it, or may have, but didn't answer within `timeout` seconds.
    """
    notice: Notice | None = None
    verb = "may have taken"
    try:
        with conversation(path, [msgspec.json.encode(ControlRequest(command=command))], timeout) as lines:
            replies = _replies(lines)
            if next(replies).accepted == command.id:
                verb = "took"
            notice = next(replies).notice
    except (TimeoutError, ConnectionError):
        notice = None  # said below, with what is known
    if notice is None:
        raise UnknownOutcomeError(
            f"the engine at {path} {verb} the command but has not answered it; look with tstream status"
        )
    return notice


def ask_question(path: Path, question: Question, timeout: float = ANSWER_SECONDS + 1) -> Reply:
    """Ask the running engine something that changes nothing.

    Raises NoEngineError, RefusedError with why there is no answer, RetryableError when none comes in time.
    """
    try:
        with conversation(path, [msgspec.json.encode(ControlRequest(question=question))], timeout) as lines:
            reply = next(_replies(lines)).reply
    except (TimeoutError, ConnectionError):
        reply = None
    if reply is None:
        raise RetryableError(f"the engine at {path} does not answer")
    return reply


def tell_news(path: Path, severity: Severity, text: str, timeout: float = ANSWER_SECONDS) -> None:
    """Have the running engine tell people of something that happened at a door of its own process.

    Raises NoEngineError, RefusedError; TimeoutError, ConnectionError where it is not heard.
    """
    request = ControlRequest(news=NewsHeard(severity, text[:NEWS_LONGEST]))
    with conversation(path, [msgspec.json.encode(request)], timeout) as lines:
        next(_replies(lines))


def _replies(lines: Iterator[bytes]) -> Iterator[ControlReply]:
    """The replies. An error among them is a RefusedError."""
    for line in lines:
        reply = _decode(line, ControlReply)
        if reply.error is not None:
            raise RefusedError(reply.error)
        yield reply


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise RefusedError(f"the engine speaks another language ({error}); is it another version?") from None
