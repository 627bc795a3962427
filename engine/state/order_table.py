"""The life of an order as one table. Status is derived from it and from fills, never set by hand."""

from __future__ import annotations

from engine.model.orders import OrderStatus as S
from engine.model.records import OrderEvent as E

_LIVE_REQUESTS = {E.CANCELED: S.CANCELED, E.REJECTED: S.REJECTED, E.EXPIRED: S.EXPIRED}

TABLE: dict[tuple[S, E], S] = {
    (S.NEW, E.SENT): S.SENT,
    (S.NEW, E.CANCEL_REQUESTED): S.DENIED,
    (S.NEW, E.REJECTED): S.DENIED,
    (S.NEW, E.DENIED): S.DENIED,
    (S.SENT, E.SENT): S.SENT,
    (S.SENT, E.ACCEPTED): S.WORKING,
    (S.SENT, E.CANCEL_REQUESTED): S.PENDING_CANCEL,
    (S.SENT, E.TIMED_OUT): S.UNKNOWN,
    (S.SENT, E.DENIED): S.DENIED,
    (S.UNKNOWN, E.SENT): S.UNKNOWN,
    (S.UNKNOWN, E.ACCEPTED): S.WORKING,
    (S.UNKNOWN, E.CANCEL_REQUESTED): S.UNKNOWN,
    (S.UNKNOWN, E.TIMED_OUT): S.UNKNOWN,
    (S.UNKNOWN, E.NOT_FOUND): S.REJECTED,
    (S.WORKING, E.SENT): S.WORKING,
    (S.WORKING, E.ACCEPTED): S.WORKING,
    (S.WORKING, E.MODIFIED): S.WORKING,
    (S.WORKING, E.CANCEL_REQUESTED): S.PENDING_CANCEL,
    (S.WORKING, E.MODIFY_REQUESTED): S.PENDING_MODIFY,
    (S.PARTIAL, E.SENT): S.PARTIAL,
    (S.PARTIAL, E.ACCEPTED): S.PARTIAL,
    (S.PARTIAL, E.MODIFIED): S.PARTIAL,
    (S.PARTIAL, E.CANCEL_REQUESTED): S.PENDING_CANCEL,
    (S.PARTIAL, E.MODIFY_REQUESTED): S.PENDING_MODIFY,
    (S.PENDING_CANCEL, E.SENT): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.ACCEPTED): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.CANCEL_REQUESTED): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.MODIFY_REQUESTED): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.MODIFIED): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, E.REQUEST_REFUSED): S.WORKING,
    (S.PENDING_MODIFY, E.SENT): S.PENDING_MODIFY,
    (S.PENDING_MODIFY, E.ACCEPTED): S.PENDING_MODIFY,
    (S.PENDING_MODIFY, E.CANCEL_REQUESTED): S.PENDING_CANCEL,
    (S.PENDING_MODIFY, E.MODIFY_REQUESTED): S.PENDING_MODIFY,
    (S.PENDING_MODIFY, E.MODIFIED): S.WORKING,
    (S.PENDING_MODIFY, E.REQUEST_REFUSED): S.WORKING,
    **{
        (state, event): end
        for state in (S.SENT, S.UNKNOWN, S.WORKING, S.PARTIAL, S.PENDING_CANCEL, S.PENDING_MODIFY)
        for event, end in _LIVE_REQUESTS.items()
    },
}

# What the answer to placing still decides while the venue has not acknowledged the order: a cancel that was
# asked for meanwhile waits, and must neither outlive an order that was never sent nor hide one that is lost.
UNACKNOWLEDGED: dict[tuple[S, E], S] = {
    (S.UNKNOWN, E.DENIED): S.DENIED,
    (S.PENDING_CANCEL, E.DENIED): S.DENIED,
    (S.PENDING_CANCEL, E.TIMED_OUT): S.UNKNOWN,
}

# A time-out of a cancel or modify, or an order missing from one answer, proves nothing: ask again.
LOOK_UP = {
    (S.WORKING, E.NOT_FOUND),
    (S.PARTIAL, E.NOT_FOUND),
    (S.PENDING_CANCEL, E.TIMED_OUT),
    (S.PENDING_CANCEL, E.NOT_FOUND),
    (S.PENDING_MODIFY, E.TIMED_OUT),
    (S.PENDING_MODIFY, E.NOT_FOUND),
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
    if status.terminal or (status, event) in LOOK_UP:
        return status
    after = TABLE.get((status, event))
    if after is S.WORKING and filled_qty:
        return S.PARTIAL
    return after
