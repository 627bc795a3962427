"""Start-up is recovery: nothing new before positions agree and every trade has its stop ."""

from __future__ import annotations

from msgspec import structs

from engine.model import events as ev
from engine.model import records as r
from engine.model.market import MINUTE
from engine.model.orders import OrderStatus, Slot, VenueStatus
from engine.model.refusals import Refusal
from tests.support.manual_venue import BOOK, ManualVenue, entered, idea


def heard_of_ideas(bench: ManualVenue) -> list[r.AnyRecord]:
    begun = max(n for n, record in enumerate(bench.journal) if isinstance(record, r.RunStarted))
    return [x for x in bench.journal[begun:] if isinstance(x, r.IdeaRefused | r.PlanOpened)]


def test_after_a_kill_no_idea_is_heard_before_the_venue_is() -> None:
    bench, _ = entered()
    again = bench.restart(idea())
    again.answering = False
    again.connect()
    assert again.trade_idea() == []
    assert heard_of_ideas(again) == []
    assert again.core.entries.refusals[Refusal.NOT_RECONCILED.sentence] >= 1
    again.answering = True
    again.step(ev.SnapshotFailed(ts_recv=again.now, book=BOOK, reason="timed out"))
    while not all(book.recovered for book in again.core.books.values()):
        again.wait(1)
        assert again.now - bench.now < 10 * MINUTE
    again.core.entries.bots.all[0].strategy._script.append((0, idea()))  # type: ignore[attr-defined]
    again.trade_idea()
    [refused] = heard_of_ideas(again)
    assert isinstance(refused, r.IdeaRefused)
    assert Refusal.IN_POSITION in refused.refusals
    reconciled = next(
        n for n, x in enumerate(again.journal) if isinstance(x, r.Reconciled) and x.ts > bench.now
    )
    assert reconciled < again.journal.index(refused)


def test_a_trade_counts_as_protected_with_a_stop_at_the_venue_for_all_of_it() -> None:
    bench, ids = entered()
    protection = bench.core.books[BOOK].orders.protection
    [stop] = bench.in_slot(Slot.STOP)
    assert protection.covered()
    smaller = structs.replace(stop.spec, qty=4)
    for change in (
        {"status": OrderStatus.UNKNOWN},
        {"suspended": True},
        {"venue_id": None},
        {"spec": smaller},
    ):
        before = {name: getattr(stop, name) for name in change}
        for name, value in change.items():
            setattr(stop, name, value)
        assert not protection.covered(), change
        for name, value in before.items():
            setattr(stop, name, value)
    bench.change(ids["SL"], status=VenueStatus.CANCELED)
    bench.tell(ids["SL"])
    assert not protection.covered()
    bench.book.flattening["MNQ"] = "manual"
    assert protection.covered()
