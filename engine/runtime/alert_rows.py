"""The alert rooms' part of the View: one row for each of the newest messages."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.view import AlertView
from engine.trading.alert_state import AlertBook, AlertState
from engine.trading.state import State

SHOWN = 50


def alert_rows(state: State) -> tuple[AlertView, ...]:
    """The newest messages, oldest first."""
    return tuple(_row(known) for known in list(state.alerts.values())[-SHOWN:])


def _row(known: AlertState) -> AlertView:
    parts = [known.reason.sentence] if known.reason is not None else []
    parts += [known.detail] if known.detail else []
    books = known.books.values()
    sent = min((book.intended_ts for book in books if book.intended_ts), default=None)
    answered = min((book.accepted_ts for book in books if book.accepted_ts), default=None)
    return AlertView(
        room=known.room,
        message_id=known.message_id,
        ts=known.ts,
        posted_ts=known.posted_ts,
        kind=known.kind,
        verdict=known.verdict,
        reason=known.reason,
        text=", ".join(parts),
        excerpt=known.excerpt,
        instrument=known.terms.instrument if known.terms is not None else "",
        side=known.terms.side if known.terms is not None else None,
        became=tuple(_became(known)),
        sent_ns=None if sent is None else sent - known.posted_ts,
        answered_ns=None if answered is None else answered - known.posted_ts,
    )


def _became(known: AlertState) -> Iterator[str]:
    for name, book in known.books.items():
        yield f"{name}: {_fate(book)}"


def _fate(book: AlertBook) -> str:
    if book.refusals:
        return "refused: " + "; ".join(refusal.sentence for refusal in book.refusals)
    if not book.entered:
        return "not filled" if book.closed else f"entering {book.qty}"
    return f"closed {book.entered}" if book.closed else f"entered {book.entered} of {book.qty}"
