"""What travels between engine and venue: which kind it is, and what is known of it when it is lost."""

from __future__ import annotations

from engine.lab.replay import BOOK
from engine.model import effects as fx
from engine.model import events as ev
from tests.torture.mishaps import Kind

_ANSWERS = (ev.PlaceReplied, ev.ModifyReplied, ev.CancelReplied, ev.CloseReplied)


def kind_of(event: ev.AnyEvent) -> Kind | None:
    if isinstance(event, _ANSWERS):
        return Kind.ANSWER
    if isinstance(event, ev.OrderReported | ev.FillReported):
        return Kind.STREAM
    return Kind.TRUTH if isinstance(event, ev.SnapshotTaken) else None


def unheard(effect: fx.AnyEffect, outcome: ev.Outcome, now: int) -> ev.AnyEvent:
    """What the sender learns of a request that the venue did not answer."""
    match effect:
        case fx.PlaceOrder():
            return ev.PlaceReplied(ts_recv=now, book=BOOK, client_id=effect.client_id, outcome=outcome)
        case fx.ModifyOrder():
            return ev.ModifyReplied(ts_recv=now, book=BOOK, client_id=effect.client_id, outcome=outcome)
        case fx.CancelOrder():
            return ev.CancelReplied(ts_recv=now, book=BOOK, client_id=effect.client_id, outcome=outcome)
        case fx.ClosePosition():
            return ev.CloseReplied(ts_recv=now, book=BOOK, instrument=effect.instrument, outcome=outcome)
        case fx.TakeSnapshot():
            return ev.SnapshotFailed(ts_recv=now, book=BOOK, reason="not connected")
