"""A book: an account at a broker, with its own limits, guards and orders. One idea goes to many of them.

Whatever tells one book from another is asked of it; only `engine.books.opening` knows which kinds there are.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, structs

from engine.execution.leaving import SIGNAL
from engine.execution.order_manager import OrderManager
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.orders import Account, AccountKind, Margin
from engine.model.plans import Exit
from engine.model.refusals import Refusal
from engine.portfolio.bounds import Bounds
from engine.portfolio.margin import margin
from engine.portfolio.money import Marks, day_usd, equity_usd
from engine.risk import gate
from engine.risk.guards import Guards
from engine.state.state import BookState
from engine.state.turn import Turn


class BookSpec(Struct, frozen=True):
    """What is decided about a book before its account is known."""

    config: BookConfig
    needs: frozenset[str]
    """Links of its venue without which nothing is entered, by name."""
    streamed: bool = True
    """What becomes of its orders is told by a connection that can break."""
    runs_out: bool = False
    """Switched off: what is open there is managed to its end, and nothing new begins."""


class Book:
    """One account of one run. A book whose account changes is made anew."""

    def __init__(
        self, spec: BookSpec, turn: Turn, run: EngineConfig, marks: Marks, *, streaming: bool
    ) -> None:
        """`streaming`: the connection that tells of it is not known to be down."""
        self.spec = spec
        self.config = spec.config
        self.name = spec.config.name
        self.run = run
        self.orders = OrderManager(spec.config, turn, run, marks)
        self.orders.inquiry.streaming = streaming
        self.state: BookState = self.orders.state
        """What the journal knows of it."""
        self.guards = Guards(self.orders, marks, spec.config.risk, practice_time=run.practice_time)
        self.recovered = False
        """Positions agreed with the venue, every trade with its stop, once in this run."""
        self._turn = turn
        self._marks = marks
        self._off: tuple[Account | None, tuple[Refusal, ...]] | None = None
        """Why hands are off an account, as it was last told."""

    def follow(self, config: BookConfig) -> None:
        """Its limits and sizes are these from now on."""
        self.spec = structs.replace(self.spec, config=config)
        self.config = self.orders.context.config = config
        self.guards.follow(config.risk)

    def at(self, venue: str) -> bool:
        """Whether what is told of a venue concerns it; an empty name, on either side, stands for all."""
        return not venue or not self.config.venue or venue == self.config.venue

    def lists(self, instrument: str) -> bool:
        """Whether its venue has a contract; a book inside tstream trades whatever is priced."""
        venues = self.run.sources.get(instrument)
        return not venues or not self.config.venue or self.config.venue in venues

    @property
    def currency(self) -> str:
        """In which it counts: that of its account (docs/semantics.md#currencies)."""
        account = self.state.account
        return (
            account.currency
            if account is not None and account.currency
            else self.run.currency_at(self.config.venue)
        )

    @property
    def kind(self) -> AccountKind:
        """An account that is not known yet counts as live: fail closed."""
        account = self.state.account
        return account.kind if account is not None else AccountKind.LIVE

    @property
    def armed(self) -> bool:
        """A person has armed the book's account, of its venue and number, by typing its name."""
        account, venue = self.state.account, self.config.venue
        return account is not None and any(
            (one.venue, one.name) == (venue, account.name) and one.id in ("", account.id)
            for one in self.run.armed_accounts
        )

    @property
    def trading(self) -> TradingSwitch:
        """What the switch of the run says of it."""
        paper, switch = self.config.paper, self.run.trading
        always = paper is not None and paper.always
        return TradingSwitch.PAPER if always and switch is TradingSwitch.OFF else switch

    def hands_off(self) -> tuple[Refusal, ...]:
        """Why tstream does nothing by itself on this account; empty when it may. Commands always act."""
        if self.spec.runs_out:
            return (Refusal.OFF,)
        account = self.state.account
        if self._off is None or self._off[0] is not account:
            kind = None if account is None else account.kind
            self._off = account, gate.hands_off(self.trading, kind, self.armed)
        return self._off[1]

    @property
    def minds_marks(self) -> bool:
        """A price may move a stop of it, or what it holds; until the next record nothing changes that."""
        return bool(self.state.plans) or any(held.qty for held in self.state.positions.values())

    def recover(self) -> bool:
        """Start-up is recovery: nothing new before positions agree and every trade has its stop again."""
        if not self.recovered and self.orders.reconciled and self.orders.protection.covered():
            self.recovered = True
        return self.recovered

    def pulse(self) -> None:
        """Whatever is due by time alone."""
        self.orders.pulse()
        self.recover()
        if not self.hands_off():
            self.orders.tend()
            self.guards.check()

    def next_due(self) -> int:
        """When `pulse` has more to do next than to write prices down, nanoseconds UTC; long past while
        something is under way.
        """
        return 0 if self.orders.busy else min(self.orders.next_due(), self.guards.next_due())

    def leave(self, exit_: Exit, bot: str) -> None:
        """Close a bot's trades of a contract and side, as it asks. Exits pass in every trading state."""
        if self.hands_off():
            return
        for found in list(self.state.plans.values()):
            plan = found.plan
            if (plan.bot, plan.instrument, plan.side) == (bot, exit_.instrument, exit_.side):
                self.orders.leaving.leave(found, SIGNAL, exit_.reason)
        self.orders.work()

    def at_rest(self) -> dict[str, Bounds]:
        """By instrument held, where prices give `pulse` nothing to do, unless one stirs its orders."""
        bounds = {symbol: Bounds() for symbol, held in self.state.positions.items() if held.qty}
        self.orders.equity.at_rest(bounds)
        if not self.hands_off():
            self.guards.at_rest(bounds)
        return bounds

    @property
    def margin(self) -> Margin:
        """What its trades tie up of its money."""
        state, run, marks, balance = self.state, self._turn.state, self._marks, self.orders.balance_usd
        equity = None if balance is None else equity_usd(state, run, marks, balance)
        return margin(state, run, marks, equity, self.orders.margin)

    @property
    def day_usd(self) -> Decimal:
        """Net P&L of the day at what positions could be closed for, USD."""
        return day_usd(self.state, self._turn.state, self._marks)
