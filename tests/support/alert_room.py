"""A room of alerts for the hand-played benches: NQ is traded as MNQ, and its market stands at 20000.00."""

from __future__ import annotations

import hashlib

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.events import AlertKind, AlertReceived
from engine.model.market import NANOS, Side
from engine.model.notices import NoticeKind
from engine.model.orders import Slot
from engine.model.rooms import AfterFill, AlertRoom
from tests.support.manual_venue import ManualVenue
from tests.support.venue_orders import PRICE

ROOM = AlertRoom("jm", {"NQ": "MNQ"})
TIGHTEN = AlertRoom("jm", {"NQ": "MNQ"}, after_fill=AfterFill.TIGHTEN)
LONG = "🚨 NQ long 20000: A\nStop: 19990\n@everyone"
SHORT = "🚨 NQ short 20000: A\nStop: 20010\n@everyone"
STOP, T1, T2 = PRICE - 40, PRICE + 28, PRICE + 48
"""Ticks of LONG: ten points below, seven and twelve above."""


def message(
    now: int,
    text: str = LONG,
    *,
    number: str = "1",
    room: str = "jm",
    kind: AlertKind = AlertKind.POSTED,
    posted_ts: int | None = None,
    revised_ts: int | None = None,
    caught_up: bool = False,
) -> AlertReceived:
    """As an adapter tells it, 200 ms after it was posted where nothing else is said."""
    posted = now - NANOS // 5 if posted_ts is None else posted_ts
    revised = revised_ts if revised_ts is not None else (posted if kind is AlertKind.POSTED else now)
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
    if kind is AlertKind.EDITED:
        digest = f"{digest}@{revised}"
    return AlertReceived(
        ts_recv=now,
        ts_venue=revised,
        room=room,
        message_id=number,
        revision="deleted" if kind is AlertKind.DELETED else digest,
        kind=kind,
        author="7577",
        text="" if kind is AlertKind.DELETED else text,
        posted_ts=posted,
        caught_up=caught_up,
    )


class Room:
    """Posts into the room of a bench and remembers when."""

    def __init__(self, bench: ManualVenue) -> None:
        self.bench = bench
        self._posted: dict[str, int] = {}

    def post(self, text: str = LONG, *, number: str = "1", age_s: float = 0.2) -> r.AlertTaken:
        self._posted[number] = self.bench.now - int(age_s * NANOS)
        return self._taken(text, number, AlertKind.POSTED)

    def edit(self, text: str, *, number: str = "1") -> r.AlertTaken:
        return self._taken(text, number, AlertKind.EDITED)

    def delete(self, *, number: str = "1") -> r.AlertTaken:
        return self._taken("", number, AlertKind.DELETED)

    def _taken(self, text: str, number: str, kind: AlertKind) -> r.AlertTaken:
        posted = self._posted[number]
        taken = self.tell(message(self.bench.now, text, number=number, kind=kind, posted_ts=posted))
        assert taken is not None
        return taken

    def tell(self, event: AlertReceived) -> r.AlertTaken | None:
        """The record that the message led to; None where it was known."""
        before = len(self.bench.written(r.AlertTaken))
        self.bench.step(event)
        taken = self.bench.written(r.AlertTaken)[before:]
        assert len(taken) <= 1
        return taken[0] if taken else None


def at_work(room: AlertRoom = ROOM, **options: object) -> tuple[ManualVenue, Room]:
    bench = ManualVenue(rooms=(room,), **options)  # type: ignore[arg-type]
    bench.connect()
    bench.quote()
    return bench, Room(bench)


def entries(bench: ManualVenue) -> list[fx.PlaceOrder]:
    return [order for order in bench.of(fx.PlaceOrder) if not order.reduces]


def brackets_of(bench: ManualVenue) -> list[tuple[int, int | None, int | None]]:
    """(contracts, stop offset, target offset) of the entries."""
    return [(order.qty, order.stop_offset, order.target_offset) for order in entries(bench)]


def in_trade(room: AlertRoom = ROOM, text: str = LONG) -> tuple[ManualVenue, Room]:
    """An alert whose three contracts are filled at the ask and protected as the alert says."""
    bench, jm = at_work(room)
    jm.post(text)
    for order in entries(bench):
        bench.reply(order, ev.Outcome.ACCEPTED, venue_id := bench.lodge(order, legs=False))
        bench.tell_fill(bench.execute(venue_id, PRICE + 1 if order.side is Side.BUY else PRICE))
    bench.obey(8)
    return bench, jm


def leave(bench: ManualVenue, leg: int, slot: Slot, price: int) -> None:
    """An exit fills."""
    order = next(o for o in bench.in_slot(slot, leg) if o.live)
    assert order.venue_id is not None
    bench.tell_fill(bench.execute(order.venue_id, price))
    bench.obey(5)


def last(bench: ManualVenue, kind: NoticeKind) -> str:
    return [notice.text for notice in bench.notices if notice.kind is kind][-1]


def cancelled(bench: ManualVenue) -> set[str]:
    return {cancel.client_id for cancel in bench.of(fx.CancelOrder)}
