"""What commands from Telegram are answered, as plain text."""

from __future__ import annotations

from adapters.notify.content.message import Message, plain_text
from adapters.notify.content.reports import account_name, position_line, status
from adapters.notify.content.sanitize import sanitize
from engine.model.flattening import what_flattening_does
from engine.model.view import View

HELP = (
    "/status – accounts and connections\n"
    "/positions – what is open\n"
    "/pause [contract] – no new entries; stops and targets stay\n"
    "/resume [contract] – entries again\n"
    "/flatten [contract] – close positions and cancel orders, after a code"
)


def status_text(view: View) -> str:
    message: Message = status(view)
    head = "" if view.health.ok else f"NOT WELL: {sanitize(view.health.detail)}\n"
    return head + plain_text(message, f"{view.venue}{' · practice time' if view.practice_time else ''}")


def positions_text(view: View) -> str:
    names = {book.book: account_name(book, view) for book in view.books}
    lines = [
        f"{names.get(position.book, sanitize(position.book))} {sanitize(position.instrument)}\n"
        f"  {position_line(view, position)}"
        for position in view.positions
        if position.qty
    ]
    return "\n".join(lines) or "Nothing is open."


def flatten_question(view: View, contract: str | None, code: str, valid_s: int) -> str:
    """What flattening would do now, and how to say yes."""
    steps = sanitize(what_flattening_does(view, contract))
    return f"{view.mode.upper()}: {steps}?\nTo do it, answer within {valid_s} s:\n/yes {code}"
