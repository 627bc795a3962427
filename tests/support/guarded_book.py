"""Guards over one book through time, as the core has them."""

from __future__ import annotations

from decimal import Decimal

from engine.books.commands import obey
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.commands import RunCommand
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE
from engine.model.notices import NoticeKind, Severity
from engine.model.plans import Leg, PlanStatus
from engine.model.restrictions import TradingState
from engine.portfolio.money import Marks
from engine.state.state import Restriction
from tests.support.books import BOOK, MORNING, Book, day_rolled

DAILY = RiskLimits(daily_loss_usd=Decimal(1000), max_trades=0)
TRAILING = RiskLimits(daily_loss_usd=Decimal(0), max_trades=0, max_loss_usd=Decimal(2000))
ROLL = CME.next_roll(MORNING)
TEN = Leg(10, -2000, 2000)


class GuardedBook:
    """Moves prices and time, and lets the guards look."""

    def __init__(self, limits: RiskLimits, *, balance: str = "50000", book: Book | None = None) -> None:
        self.book = book or Book()
        self.marks = Marks()
        self.balance = Decimal(balance)
        self.configure(limits)

    def configure(self, limits: RiskLimits) -> None:
        self.opened = self.book.opened(limits, self.marks)
        self.opened.orders.inquiry.reconciled = True

    def look(self, price: int | None = None) -> list[r.AnyRecord]:
        """One look of the guards, MNQ's bid and MES's at a price; what they wrote down."""
        if price is not None:
            for symbol in ("MNQ", "MES"):
                self.marks.quote(symbol, price, price + 1)
        before = len(self.book.journal)
        self.opened.orders.balance_usd = self.balance
        self.opened.guards.check()
        return self.book.journal[before:]

    def lose(self, ticks: int, *, qty: int = 1, plan_id: str = "lost") -> None:
        """A finished trade of MNQ that lost so many ticks; the venue's balance follows."""
        found = self.book.entered(Leg(qty, -ticks, None), price=1000, plan_id=plan_id)
        stop, _ = self.book.exits(found)
        self.book.fill(stop, 1000 - ticks)
        self.book.write(r.PlanChanged(ts=self.book.now, book=BOOK, plan_id=plan_id, status=PlanStatus.CLOSED))
        self.balance -= Decimal(ticks * qty) / 2

    @property
    def standing(self) -> Restriction | None:
        return self.book.turn.state.restrictions.get(f"{BOOK}/")

    def state(self) -> TradingState:
        return self.standing.state if self.standing is not None else TradingState.ACTIVE

    def warnings(self) -> list[str]:
        """What people were warned of, fills left out."""
        notices = self.book.turn.notices
        return [n.text for n in notices if n.severity is Severity.WARNING and n.kind is not NoticeKind.FILL]


def said(guarded: GuardedBook, command: RunCommand) -> str:
    """The answer to a command."""
    return obey(command, guarded.book.turn, {BOOK: guarded.opened}, ("MNQ", "MES", "MGC"), guarded.marks).text


def kinds(records: list[r.AnyRecord]) -> list[type]:
    """What was written down, notes of balances left out."""
    return [type(record) for record in records if not isinstance(record, r.BalanceMarked)]


def new_day(guarded: GuardedBook, date: str, ts: int) -> None:
    guarded.book.at(ts)
    guarded.book.write(day_rolled(ts, date))


def restarted(guarded: GuardedBook, limits: RiskLimits, later: int = MINUTE) -> GuardedBook:
    """A new run over the same journal."""
    book = guarded.book.restarted(later)
    after = GuardedBook(limits, balance=str(guarded.balance), book=book)
    assert book.turn.state == guarded.book.turn.state
    return after
