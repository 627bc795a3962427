"""What the screen reads off a View: the worst link, the strictest trading state, sums by kind of money."""

from __future__ import annotations

from decimal import Decimal

from engine.model.events import LinkState
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.standings import standing_of
from engine.model.view import BookView, ContractView, SessionView, View
from engine.model.view_standing import StandingView, StandingWord
from tui.books import Total, totals


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


def catches_up(view: View) -> bool:
    """Whether a replay is on its way to the time that is wanted."""
    return view.playing is not None and view.playing.until > 0


def link_state(view: View) -> LinkState:
    """The worst of the connections that trading needs; CONNECTING before there is one."""
    order = (LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING, LinkState.LIVE)
    states = {link.state for link in view.links if link.needed}
    return next((state for state in order if state in states), LinkState.CONNECTING)


def standing(view: View) -> StandingView:
    """What can happen now over all contracts and the books that the badge stands for. An engine of before
    does not say it: then it is read off the rest of its picture."""
    if view.standing is not None:
        return view.standing
    return standing_of(view, main_books(view), {c.instrument: c.against for c in view.contracts})


def held_word(at: StandingView) -> StandingWord:
    """What holds back all that is meant, whatever is being closed meanwhile."""
    if at.word not in (StandingWord.FLATTENING, StandingWord.REDUCING):
        return at.word
    first = next(iter(at.causes), None)
    return StandingWord.ACTIVE if first is None or first.instruments else first.word


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
