"""What is looked at when it is all over: the journal against the venue's own books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from engine.model import records as r
from engine.model.orders import Fill
from engine.state.state import BookState
from tests.support.invariants import Invariants


def strategies_wait(journal: Iterable[r.AnyRecord]) -> None:
    """In every run, strategies are heard only after the venue's truth has been reconciled."""
    verified: set[str] = set()
    for record in journal:
        match record:
            case r.RunStarted():
                verified.clear()
            case r.Reconciled(book=book):
                verified.add(book)
            case r.PlanOpened() | r.IdeaRefused():
                book = record.plan.book if isinstance(record, r.PlanOpened) else record.book
                assert book in verified, f"{type(record).__name__} before protection was verified"
            case _:
                pass


def fills_of(journal: Iterable[r.AnyRecord], book: str | None = None) -> list[Fill]:
    """Of one book, or of all."""
    applied = (record for record in journal if isinstance(record, r.FillApplied))
    return [record.fill for record in applied if book in (None, record.book)]


def same_fills(taken: Sequence[Fill], fills: Iterable[Fill]) -> None:
    """Every fill of the venue was taken, once, as it was."""
    ours, theirs = _comparable(taken), _comparable(fills)
    assert ours == theirs, f"missed: {theirs - ours}; made up: {ours - theirs}"
    assert len(taken) == len(ours), "a fill was counted twice"


def same_money(book: BookState, balance_usd: Decimal, start_usd: Decimal) -> None:
    """Of a book that is flat: its trades, net of costs, are what the venue's balance has changed by."""
    won = sum((trade.net_usd for trade in book.trades), Decimal(0))
    assert won == balance_usd - start_usd, f"we count {won}, the venue {balance_usd - start_usd}"


def sent_once(tags: Iterable[str | None]) -> None:
    """No client id reached the venue twice."""
    ours = [tag for tag in tags if tag]
    assert len(ours) == len(set(ours)), "an order was sent twice"


def nothing_from_outside(journal: Iterable[r.AnyRecord]) -> None:
    """Where nobody else trades, nothing may look like it."""
    adjusted = [record for record in journal if isinstance(record, r.PositionAdjusted)]
    assert not adjusted, f"nobody else trades here, and yet: {adjusted[0]}"


def excuse(invariants: Invariants) -> None:
    """Nobody can act in time on what nobody could know: the invariants' patience begins anew."""
    invariants._excess_since.clear()
    invariants._naked_since.clear()


def folds(journal: Sequence[r.AnyRecord]) -> Invariants:
    """The journal read by the onlooker: client ids and fills are unique in it, and it folds."""
    return Invariants(journal)


def _comparable(fills: Iterable[Fill]) -> frozenset[Fill]:
    """Stamps on the wire are cut to whole microseconds."""
    return frozenset(replace(fill, ts_venue=fill.ts_venue // 1000) for fill in fills)
