"""What is said on the control socket: JSON, one request or reply a line.

- `{"view": {}}` is answered by `{"view": {...}}`, the core picture.
- `{"charts": {"instrument": "MNQ", "timeframe": "5m"}}` is answered by `{"charts": {"MNQ": {"5m": {...}}}}`.
  Without a timeframe they are those of all, without an instrument those of all contracts.
- `{"command": {"command": "pause", "id": "..."}}` is answered at once by `{"accepted": id}`, then by
  `{"notice": {...}}`, the engine's answer, or by `{"unanswered": id}` when it took too long.
- `{"news": {"severity": "warning", "text": "..."}}`, from a door in a process of its own (tstream web), is
  told to people and written to the access log; it is answered by `{"accepted": "news"}`.
- `{"question": {"type": "try_alert", "text": "..."}}` is answered by `{"reply": {...}}`; it changes nothing.
- Anything else is answered by `{"error": "..."}`; the next line is a new request.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from engine.model.commands import AnyCommand
from engine.model.market import Timeframe
from engine.model.notices import Notice, Severity
from engine.model.questions import Question, Reply
from engine.model.view import View

LINE_LIMIT = 64 * 1024
"""Bytes of the longest request."""
NEWS_LONGEST = 300
"""Characters of news."""
ANSWER_SECONDS = 5.0
"""How long the engine's answer to a command is waited for."""


class ViewAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing about it can be chosen."""


class ChartsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    instrument: str | None = None
    timeframe: Timeframe | None = None


class NewsHeard(Struct, frozen=True, forbid_unknown_fields=True):
    severity: Severity
    text: Annotated[str, Meta(max_length=NEWS_LONGEST)]


class ControlRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of them."""

    view: ViewAsked | None = None
    charts: ChartsAsked | None = None
    command: AnyCommand | None = None
    news: NewsHeard | None = None
    question: Question | None = None


class ControlReply(Struct, frozen=True, omit_defaults=True):
    """Exactly one of them; charts are written by themselves, one after the other."""

    view: View | None = None
    accepted: str | None = None
    notice: Notice | None = None
    unanswered: str | None = None
    reply: Reply | None = None
    error: str | None = None
