"""What becomes of a position without a fill, in words."""

from __future__ import annotations

from engine.model import records as r
from engine.model.notices import NoticeKind as K
from engine.model.notices import Severity as Sev
from engine.state.state import State

Told = tuple[K, Sev, str, str | None, str | None]


def adjusted(state: State, record: r.PositionAdjusted) -> Told:
    differs = state.quantity(record.instrument, record.delta, signed=True)
    text = (
        f"{record.instrument}: the venue's position differs by {differs} and no fill explains it; "
        "its word is taken, entries there are paused"
    )
    return K.RISK, Sev.CRITICAL, text, record.instrument, record.book


def dust_left(state: State, record: r.DustLeft) -> Told:
    known = state.instruments[record.instrument]
    worth = f"{known.usd(record.price * record.qty):.2f} {known.currency}"
    text = (
        f"{record.instrument}: {known.qty_text(record.qty)} is left, worth {worth}, less than the venue "
        "takes: dust, and no position any more. It stays in the account"
    )
    return K.FILL, Sev.INFO, text, record.instrument, record.book
