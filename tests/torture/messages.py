"""What travels between engine and venue: which kind it is, and what is known of it when it is lost."""

from __future__ import annotations

from engine.lab.replay import BOOK
from engine.model import effects as fx
from engine.model import events as ev
from tests.torture.mishaps import Kind


def kind_of(event: ev.AnyEvent) -> Kind | None:
    if isinstance(event, ev.Replied):
        return Kind.ANSWER
    if isinstance(event, ev.OrderReported | ev.FillReported):
        return Kind.STREAM
    return Kind.TRUTH if isinstance(event, ev.SnapshotTaken) else None


def unheard(effect: fx.AnyEffect, outcome: ev.Outcome, now: int) -> ev.AnyEvent:
    """What the sender learns of a request that the venue did not answer."""
    if isinstance(effect, fx.TakeSnapshot):
        return ev.SnapshotFailed(ts_recv=now, book=BOOK, reason="not connected")
    return ev.reply(effect, now, outcome)
