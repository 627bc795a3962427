"""tstream rooms try: a text as a room of the running engine would read it, and nothing comes of it."""

from __future__ import annotations

import sys
from decimal import Decimal

import msgspec

from adapters.common.redaction import printable
from adapters.control.client import ask_question
from engine.model.alert_tries import LONGEST_TRY, AlertTried, TryAlert
from engine.model.alerts import Verdict
from engine.model.market import Side
from tstream import paths
from tstream.commands.orders import say
from tstream.errors import CommandError, UsageError


def try_alert(room: str, text: str | None, *, as_json: bool) -> int:
    """Print what the room makes of it; the exit code. Raises CommandError, PortError."""
    words = sys.stdin.read(LONGEST_TRY + 1) if text is None else text
    if not words.strip():
        raise UsageError("there is no text: pipe one in, or say --text")
    if len(words) > LONGEST_TRY:
        raise UsageError(f"the text has more than {LONGEST_TRY} characters")
    told = ask_question(paths.find().control_socket, TryAlert(words, room))
    if not isinstance(told, AlertTried):
        raise CommandError("the engine answered something else; is it another version?")
    if as_json:
        say(msgspec.json.encode(told).decode())
    else:
        for line in lines_of(told):
            say(printable(line))
    enters = told.verdict is Verdict.TRADED and any(not book.against for book in told.books)
    return 0 if enters else 1


def lines_of(told: AlertTried) -> list[str]:
    """In words, a line for each thing."""
    if not told.rooms:
        return ["no alert room is configured: docs/alerts.md"]
    lines = [f"room {told.room}: {told.verdict}{f', {told.text}' if told.text else ''}"]
    if told.instrument and told.side is not None:
        way = "long" if told.side is Side.BUY else "short"
        targets = " ".join(map(_plain, told.targets)) or "none"
        grade = told.grade.value if told.grade is not None else "none"
        lines.append(
            f"{told.instrument} {way} {_plain(told.entry)}, stop {_plain(told.stop)}, targets {targets}, "
            f"size {grade}, market {_plain(told.market)}"
        )
    for book in told.books:
        what = "would be entered" if not book.against and told.verdict is Verdict.TRADED else "not entered"
        lines.append(f"[{book.kind.upper()}] {book.book}: {book.qty} lots, {what} ({book.size_reason})")
        lines += [f"  against it: {reason}" for reason in book.against]
    return lines


def _plain(price: Decimal | None) -> str:
    return "unknown" if price is None else f"{price.normalize():f}"
