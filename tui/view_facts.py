"""What the screen reads off a View: the worst link, the strictest trading state, sums by kind of money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.orders import AccountKind
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import BookView, ContractView, SessionView, View
from tui.books import Total, blind_books, cut_off, several_venues, totals
from tui.plain_text import plain


def contract_of(view: View, instrument: str) -> ContractView | None:
    """The contract's view, or None while the venue has not named it."""
    return next((c for c in view.contracts if c.instrument == instrument), None)


def lot_of(view: View, instrument: str) -> Decimal:
    """What one lot of a contract is; 1 while nobody has described it."""
    contract = contract_of(view, instrument)
    return Decimal(1) if contract is None else contract.lot_size


def currency_of(view: View, instrument: str) -> str:
    """In what a contract's money is counted."""
    contract = contract_of(view, instrument)
    return "USD" if contract is None else contract.currency


def session_of(view: View, contract: ContractView | None) -> SessionView:
    """Where the day of a contract's calendar stands."""
    return view.session if contract is None else view.sessions.get(contract.calendar, view.session)


def state_word(contract: ContractView) -> str:
    """What can happen in it now; "active" only where an entry could pass."""
    if contract.flattening:
        return "flattening"
    if contract.state is TradingState.REDUCING or contract.stale or contract.against:
        return "no entries"
    return contract.state.value


def link_state(view: View) -> LinkState:
    """The worst of the connections that trading needs; CONNECTING before there is one."""
    order = (LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING, LinkState.LIVE)
    states = {link.state for link in view.links if link.needed}
    return next((state for state in order if state in states), LinkState.CONNECTING)


class Standing(Struct, frozen=True):
    """What can happen now, in one word, and what stands against it."""

    word: str
    """ACTIVE, PAUSED, OFF, NO ENTRIES, BLOCKED (by the venue), LOCKED, HALTED. ACTIVE only if an entry could
    pass now."""
    reason: str = ""
    """Without the state's own word, which stands before it."""
    end: RestrictionEnd = RestrictionEnd.CAUSE
    until: int | None = None
    """When a lock ends, nanoseconds UTC; None where no time ends it."""
    notes: tuple[str, ...] = ()
    """What else should be known."""
    share: str = ""
    """Of how many books it is said, where not of all: "1/4"."""

    @property
    def active(self) -> bool:
        return self.word == "ACTIVE"


def standing(view: View) -> Standing:
    """What can happen now over all contracts and the books that the badge stands for: of several restrictions
    the strictest, else whether an entry could pass."""
    books = main_books(view)
    held = [(book, book.restriction) for book in books if book.restriction is not None]
    if held:
        book, strictest = max(held, key=lambda one: one[1].state.rank)
        whose = f"{plain(book.book)}: " if len(books) > 1 else ""
        said = f"{whose}{plain(strictest.why)}"
        alike = sum(one.word == strictest.word for _, one in held)
        share = f"{alike}/{len(books)}" if alike < len(books) else ""
        notes = tuple(dict.fromkeys((*_others(view, held), *_outages(view), *_paused(view))))
        return Standing(strictest.word, said, strictest.end, strictest.until, notes, share)
    if view.contracts and all(contract.state is not TradingState.ACTIVE for contract in view.contracts):
        return Standing("PAUSED", "all contracts", RestrictionEnd.RESUME)
    against = _against(view)
    if against:
        return Standing("NO ENTRIES", against[0], notes=(*against[1:], *_meanwhile(view), *_paused(view)))
    stale = [plain(contract.instrument) for contract in view.contracts if contract.stale]
    silent = (f"no price: {', '.join(stale)}",) if stale else ()
    return Standing("ACTIVE", notes=(*_outages(view), *_paused(view), *silent))


def _others(view: View, held: Sequence[tuple[BookView, RestrictionView]]) -> tuple[str, ...]:
    """Of several books of which not all are held: which others are, and how many go on."""
    books = main_books(view)
    free = len(books) - len(held)
    strictest = max(held, key=lambda one: one[1].state.rank)
    more = [f"{plain(book.book)} {one.word}" for book, one in held if book is not strictest[0]]
    against = _against(view) if free else []
    go_on = (f"{free} of {len(books)} books trade",) if free and not against else ()
    return (*more[:3], *go_on, *against[:1])


def _outages(view: View) -> tuple[str, ...]:
    """Of several venues those that can't be reached, and the books and contracts that are blind by it; and of
    several accounts those whose own connection is down."""
    found = []
    for venue, links in cut_off(view).items():
        books = [plain(book.book) for book in view.books if book.venue == venue]
        contracts = [plain(c.instrument) for c in view.contracts if c.source == venue and c.stale]
        blind = ", ".join((*books, *contracts))
        found.append(f"{plain(venue)} {plain(links)}{f': blind {blind}' if blind else ''}")
    found += [f"{plain(book)}: {plain(links)}" for book, links in blind_books(view).items()]
    return tuple(found)


def _paused(view: View) -> tuple[str, ...]:
    """The contracts that a person has to resume by themselves, everywhere or in a book that the badge stands
    for: "paused: NQ", "halted: ES"."""
    found: dict[str, dict[str, str]] = {}
    books = {book.book for book in main_books(view)}
    for held in view.restrictions:
        by_person = held.end in (RestrictionEnd.RESUME, RestrictionEnd.LIFT)
        if held.instrument and held.book in ("", *books) and by_person:
            where = f" ({plain(held.book)})" if held.book and len(books) > 1 else ""
            found.setdefault(held.word.lower(), {}).setdefault(plain(held.instrument), where)
    return tuple(
        f"{word}: {', '.join(f'{name}{where}' for name, where in names.items())}"
        for word, names in found.items()
    )


def _against(view: View) -> list[str]:
    """What stands against every entry, the worst first; empty where one could pass."""
    found = [plain(view.health.detail) or "the engine is in trouble"] if not view.health.ok else []
    open_now = [c for c in view.contracts if c.state is TradingState.ACTIVE]
    if open_now and all(c.stale for c in open_now):
        ages = [c.age_ns for c in open_now if c.age_ns is not None]
        found.append(f"no price for {min(ages) // NANOS} s" if ages else "no price yet")
    cut, blind = cut_off(view), blind_books(view)
    links = [
        link
        for link in view.links
        if link.needed and link.state is not LinkState.LIVE and link.book not in blind
    ]
    books = main_books(view)
    if (cut or blind) and not found and all(book.venue in cut or book.book in blind for book in books):
        found += _outages(view)
    elif links and not found and not several_venues(view):
        found.append(", ".join(f"{plain(link.name)} {link.state.value}" for link in links))
    if any(not c.against and not c.stale for c in open_now):
        return found
    told = {Refusal.FEED_STALE, Refusal.VENUE_DOWN, Refusal.JOURNAL_DOWN} if found else set()
    common = [why for why in open_now[0].against if why not in told] if open_now else []
    words = {held.code: plain(held.reason) for held in view.restrictions}
    alone = [why for why in common if all(why in c.against or c.stale for c in open_now)]
    told_now = [words.get(why) or why.sentence for why in alone]
    return [*found, *told_now] or [why.sentence for c in open_now for why in c.against][:1]


def _meanwhile(view: View) -> tuple[str, ...]:
    """What goes on while nothing is heard of the market or the venue."""
    lost = any(link.needed and link.state is not LinkState.LIVE for link in view.links)
    held = [p for p in view.positions if p.kind is not AccountKind.PAPER]
    stops = held and all(p.protected_qty >= abs(p.qty) for p in held)
    cut_off = lost or all(c.stale for c in view.contracts)
    return ("stops stay at the venue",) * bool(stops and cut_off) + ("reconnecting",) * lost


def main_books(view: View) -> tuple[BookView, ...]:
    """The books whose money is of the kind that the badge says. Kinds are never added up."""
    return tuple(book for book in view.books if book.kind is view.mode)


def kind_of(view: View, book: str | None) -> AccountKind:
    """Whose money a book holds; that of the badge where nobody knows."""
    return next((known.kind for known in view.books if known.book == book), view.mode)


def own_total(view: View) -> Total | None:
    """The books whose money the badge stands for: of its kind, and in the currency of the first of them."""
    return next(iter(totals(main_books(view))), None)


def day_usd(view: View) -> Decimal:
    """P&L of the day over the books that the badge stands for, realized and open, net of costs."""
    own = own_total(view)
    return Decimal(0) if own is None else own.day


def side_days(view: View) -> list[Total]:
    """All other money there is, each kind and currency by itself, the strictest first."""
    own = own_total(view)
    return [total for total in totals(view.books) if own is None or total.books != own.books]
