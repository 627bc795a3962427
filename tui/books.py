"""Which books there are, which of them a command means, and what they come to. Money is only added up within
one kind and one currency: play money never stands in a sum with real money.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from engine.model.orders import STRICTEST_FIRST, AccountKind
from engine.model.outages import several_venues
from engine.model.restrictions import TradingState
from engine.model.view import BookView, ContractView, LinkView, PositionView, View
from tui.plain_text import plain


def ordered_books(view: View) -> tuple[BookView, ...]:
    """As they stand side by side: real money first, else as the settings have them."""
    return tuple(sorted(view.books, key=lambda book: STRICTEST_FIRST.index(book.kind)))


def meant_books(view: View, book: str | None) -> tuple[BookView, ...]:
    """Those that a command means: the picked one, else all."""
    return tuple(known for known in ordered_books(view) if not book or known.book == book)


def step_book(view: View, picked: str) -> str:
    """The next to pick: all ("") → the first book → … → the last → all."""
    names = ["", *(book.book for book in ordered_books(view))]
    return names[(names.index(picked) + 1) % len(names)] if picked in names else ""


def of_book(view: View, book: str) -> View:
    """The picture as if there were no other book; of a book that is not there, and of none, the whole one."""
    own = next((known for known in view.books if known.book == book), None)
    if own is None or len(view.books) < 2:
        return view
    positions = tuple(p for p in view.positions if p.book == book)
    held = {p.instrument: p.qty for p in positions}
    return replace(
        view,
        mode=own.kind,
        books=(own,),
        standing=own.standing,
        positions=positions,
        orders=tuple(o for o in view.orders if o.book == book),
        trades=tuple(t for t in view.trades if t.book == book),
        contracts=tuple(_contract(view, c, held.get(c.instrument, 0), book) for c in view.contracts),
        restrictions=tuple(r for r in view.restrictions if r.book in ("", book)),
        performance=tuple(one for one in view.performance if one.book == book),
    )


def _contract(view: View, contract: ContractView, qty: int, book: str) -> ContractView:
    state = contract.state
    if state is not TradingState.ACTIVE:
        own = [
            r.state for r in view.restrictions if r.instrument == contract.instrument and r.book in ("", book)
        ]
        state = max(own, key=lambda held: held.rank, default=TradingState.ACTIVE)
    if (qty, 0, state) == (contract.position_qty, contract.paper_qty, contract.state):
        return contract
    return replace(contract, position_qty=qty, paper_qty=0, state=state)


def by_venue(view: View) -> View:
    """The picture with the contracts that one venue prices together, the venues in the order in which they
    come first."""
    order = list(dict.fromkeys(contract.source for contract in view.contracts))
    grouped = tuple(sorted(view.contracts, key=lambda contract: order.index(contract.source)))
    return view if grouped == view.contracts else replace(view, contracts=grouped)


def venue_groups(view: View) -> list[tuple[str, list[ContractView]]]:
    """The contracts by the venue that prices them, where several do; else all of them under no name."""
    groups = [(venue, list(own)) for venue, own in groupby(view.contracts, lambda one: one.source)]
    return groups if len(groups) > 1 else [("", list(view.contracts))]


class Total(Struct, frozen=True):
    """Books whose money may be added up."""

    kind: AccountKind
    currency: str
    books: tuple[BookView, ...]

    @property
    def day(self) -> Decimal:
        """P&L of the day net of costs, in the currency."""
        return sum((book.day_usd for book in self.books), Decimal(0))


def totals(books: Iterable[BookView]) -> list[Total]:
    """One for each kind of money and currency, the strictest kind first."""
    found: dict[tuple[AccountKind, str], list[BookView]] = {}
    for book in books:
        found.setdefault((book.kind, book.currency), []).append(book)
    ordered = sorted(found.items(), key=lambda item: STRICTEST_FIRST.index(item[0][0]))
    return [Total(kind, currency, tuple(own)) for (kind, currency), own in ordered]


def at_risk(view: View, positions: Iterable[PositionView]) -> tuple[dict[str, Decimal], list[str]]:
    """What would be lost from the mark to the stops, costs included, by currency; and the contracts without a
    full stop, of which nobody can say it."""
    contracts = {contract.instrument: contract for contract in view.contracts}
    sums: dict[str, Decimal] = {}
    bare: list[str] = []
    for position in positions:
        contract = contracts.get(position.instrument)
        if contract is None or position.stop is None or position.protected_qty < abs(position.qty):
            bare.append(position.instrument)
            continue
        risk = Decimal(0) if position.risk_usd is None else position.risk_usd
        sums[contract.currency] = sums.get(contract.currency, Decimal(0)) + risk
    return sums, bare


def outage(links: tuple[LinkView, ...]) -> str:
    """What of a venue or an account is not live: "market down, user connecting"."""
    return ", ".join(f"{plain(link.name)} {link.state.value}" for link in links)


def link_owner(view: View, link: LinkView) -> str:
    """What has to stand before a connection's name for it to be told apart: the account whose alone it is,
    or the venue, where there are several."""
    if link.book and len({other.book for other in view.links if other.book}) > 1:
        return plain(link.book)
    return plain(link.venue) if several_venues(view) else ""
