"""The life of an order as one table. Status is derived from it and from fills, never set by hand."""

from __future__ import annotations

from engine.model.orders import OrderStatus as S
from engine.model.records import OrderEvent as E

_ENDS = {E.CANCELED: S.CANCELED, E.REJECTED: S.REJECTED, E.EXPIRED: S.EXPIRED}
_WORKING = {E.CANCEL_REQUESTED: S.PENDING_CANCEL, E.MODIFY_REQUESTED: S.PENDING_MODIFY, **_ENDS}
_CHANGED = {E.MODIFIED: S.WORKING, E.REQUEST_REFUSED: S.WORKING}

MOVES: dict[S, dict[E, S]] = {
    S.NEW: {E.SENT: S.SENT, E.CANCEL_REQUESTED: S.DENIED, E.REJECTED: S.DENIED, E.DENIED: S.DENIED},
    S.SENT: {
        E.ACCEPTED: S.WORKING,
        E.CANCEL_REQUESTED: S.PENDING_CANCEL,
        E.TIMED_OUT: S.UNKNOWN,
        E.DENIED: S.DENIED,
        **_ENDS,
    },
    S.UNKNOWN: {E.ACCEPTED: S.WORKING, E.NOT_FOUND: S.REJECTED, **_ENDS},
    S.WORKING: _WORKING,
    S.PARTIAL: _WORKING,
    S.PENDING_CANCEL: {E.REQUEST_REFUSED: S.WORKING, **_ENDS},
    S.PENDING_MODIFY: {E.CANCEL_REQUESTED: S.PENDING_CANCEL, **_CHANGED, **_ENDS},
}

# A time-out of a cancel or modify, or an order missing from one answer, proves nothing: ask again.
_STANDING = frozenset({E.SENT, E.ACCEPTED, E.MODIFIED, E.NOT_FOUND})
STAYS: dict[S, frozenset[E]] = {
    S.SENT: frozenset({E.SENT}),
    S.UNKNOWN: frozenset({E.SENT, E.CANCEL_REQUESTED, E.TIMED_OUT}),
    S.WORKING: _STANDING,
    S.PARTIAL: _STANDING,
    S.PENDING_CANCEL: _STANDING | {E.CANCEL_REQUESTED, E.MODIFY_REQUESTED, E.TIMED_OUT},
    S.PENDING_MODIFY: _STANDING - {E.MODIFIED} | {E.MODIFY_REQUESTED, E.TIMED_OUT},
}

# What the answer to placing still decides while the venue has not acknowledged the order: a cancel that was
# asked for meanwhile waits, and must neither outlive an order that was never sent nor hide one that is lost.
UNACKNOWLEDGED: dict[tuple[S, E], S] = {
    (S.UNKNOWN, E.DENIED): S.DENIED,
    (S.PENDING_CANCEL, E.DENIED): S.DENIED,
    (S.PENDING_CANCEL, E.TIMED_OUT): S.UNKNOWN,
}


def next_status(
    status: S, event: E, filled_qty: int, qty: int, *, acknowledged: bool = True, cancel_wanted: bool = False
) -> S | None:
    """The state after an event, or None when the pair is illegal and changes nothing (an anomaly).

    `filled_qty` includes the fill when the event is FILLED. Fills count in every state, terminal ones too:
    a fill after a cancel is still our position. `acknowledged`: the venue has given the order an id.
    `cancel_wanted`: a cancel is queued or under way, so an order that turns out to live waits for its end.
    """
    after = _table(status, event, filled_qty, qty, acknowledged)
    return S.PENDING_CANCEL if cancel_wanted and after in (S.WORKING, S.PARTIAL) else after


def _table(status: S, event: E, filled_qty: int, qty: int, acknowledged: bool) -> S | None:
    if event is E.FILLED:
        if filled_qty >= qty:
            return S.FILLED
        if status in (S.PENDING_CANCEL, S.PENDING_MODIFY) or status.terminal:
            return status
        return S.PARTIAL
    if not acknowledged and (status, event) in UNACKNOWLEDGED:
        return UNACKNOWLEDGED[status, event]
    if status.terminal or event in STAYS.get(status, ()):
        return status
    after = MOVES[status].get(event)
    if after is S.WORKING and filled_qty:
        return S.PARTIAL
    return after
