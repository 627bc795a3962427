"""The alert rooms' part of the View: one row for each of the newest messages."""

from __future__ import annotations

from msgspec import structs

from engine.model.view import AlertFate, AlertView
from engine.state.alerts import AlertBook, AlertState
from engine.state.state import State

SHOWN = 50


def alert_rows(state: State) -> tuple[AlertView, ...]:
    """The newest messages, oldest first."""
    return tuple(_row(state, known) for known in list(state.alerts.values())[-SHOWN:])


def _row(state: State, known: AlertState) -> AlertView:
    parts = [known.reason.sentence] if known.reason is not None else []
    parts += [known.detail] if known.detail else []
    fates = tuple(_fate_of(known, name, book) for name, book in known.books.items())
    terms = known.terms
    instrument = state.instruments.get(terms.instrument) if terms is not None else None
    row = AlertView(
        room=known.room,
        message_id=known.message_id,
        ts=known.ts,
        posted_ts=known.posted_ts,
        kind=known.kind,
        verdict=known.verdict,
        reason=known.reason,
        text=", ".join(parts),
        excerpt=known.excerpt,
        instrument=terms.instrument if terms is not None else "",
        side=terms.side if terms is not None else None,
        fates=fates,
    )
    if terms is None or instrument is None:
        return row
    return structs.replace(
        row,
        entry=instrument.price(terms.entry),
        stop=instrument.price(terms.stop),
        targets=tuple(instrument.price(target) for target in terms.targets),
        grade=terms.grade,
    )


def _fate_of(known: AlertState, name: str, book: AlertBook) -> AlertFate:
    return AlertFate(
        name,
        book.qty,
        book.entered,
        book.closed,
        book.refusals,
        book.intended_ts - known.posted_ts if book.intended_ts else None,
        book.accepted_ts - known.posted_ts if book.accepted_ts else None,
    )
