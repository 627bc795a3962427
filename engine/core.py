"""`Core.step(event)`: the whole brain as a function of state and event. No clock, no network, no chance.

The same core runs live, on the practice venue and in replays, so what was tested is what trades.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.market.bars import BarsClosed, MinuteBars
from engine.market.staleness import Staleness
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.effects import AnyEffect
from engine.model.events import LinkState
from engine.model.instrument import Instrument
from engine.model.market import NANOS
from engine.model.orders import Account, AccountKind, OrderStatus
from engine.model.plans import Idea, TradePlan
from engine.model.refusals import Refusal
from engine.model.view import NoticeKind, Severity, TradingState
from engine.risk import gate, sizing
from engine.signals.board import SignalBoard
from engine.signals.strategy import Declined, Strategy
from engine.trading import brackets, months, protection, rollover
from engine.trading.circumstances import circumstances
from engine.trading.commands import obey
from engine.trading.desk import Desk
from engine.trading.guards import Guards
from engine.trading.money import Marks, day_usd
from engine.trading.state import State, scope
from engine.trading.turn import Turn

PULSE_NS = NANOS
HELD_PULSE_NS = NANOS // 4
"""While a position is held and prices come, its limits are looked at this often."""

BUSY_PULSE_NS = NANOS // 10
"""While something is due soon (a flatten, an answer, a missing stop) time is looked at this often."""

_TICKS = (ev.Quote, ev.Print)

_VENUE_LINKS = frozenset({"rest", "user", "market", "token"})
"""Without one of these no entry; an alert room that is gone takes no trade away."""

PROGRAM = "tstream"

Outcome = tuple[list[r.AnyRecord], list[AnyEffect]]
"""Records to make durable, and then effects to run, in this order."""


class Core:
    """Owns the state of one engine run. Single-threaded; every change goes through `step`."""

    def __init__(self, config: EngineConfig, strategy: Strategy, state: State | None = None) -> None:
        """`state` is the fold of the journal; a fresh one begins empty."""
        self.config = config
        self.instruments: dict[str, Instrument] = {i.symbol: i for i in config.instruments}
        self.state = state if state is not None else State()
        self.turn = Turn(self.state)
        self.desks: dict[str, Desk] = {}
        self.bars = MinuteBars(grace_ns=config.bar_grace_ns, counts=self.turn.counts)
        self.board = SignalBoard(self.instruments, self.bars)
        self.strategy = strategy
        self.staleness = Staleness(config.risk.stale_ns)
        self.marks = Marks()
        self.guards = Guards(config.risk, practice_time=config.practice_time)
        self.links: dict[str, ev.LinkChanged] = {}
        self.link_since: dict[str, int] = {}
        """When each link came into its state, nanoseconds UTC."""
        self.quotes: dict[str, ev.Quote] = {}
        self.last_prints: dict[str, int] = {}
        self.prints = 0
        self.refusals: Counter[str] = Counter()
        """Why ideas and near ideas came to nothing in this run, by sentence."""
        self.journal_ok = True
        self.started_ts = 0
        self.on_fault: Callable[[Exception], None] | None = None
        """Told of a bug that `step` ran into; the core goes on with entries paused. None lets it raise."""
        self.strategy_error: Exception | None = None
        """What the strategy raised; it is left out since."""
        self.recovered: set[str] = set()
        """Books whose positions agreed with the venue, every trade with its stop, once in this run."""
        self._next_pulse = 0

    @property
    def now(self) -> int:
        return self.turn.now

    def start(self, ts: int) -> Outcome:
        """Begin a run: requests whose answer was lost with the last one become unknown, to be looked up."""
        self.turn.begin(max(ts, self.state.last_ts))
        self.started_ts = self.turn.now
        self.turn.commit(
            r.RunStarted(
                ts=self.turn.now, install=self.config.install, boot=self.config.boot, program=PROGRAM
            )
        )
        for name, book in self.state.books.items():
            desk = self.desks[name] = Desk(name, self.turn, self.config, self.marks)
            brackets.configured(desk)
            for order in list(book.orders.values()):
                if order.status is OrderStatus.SENT:
                    desk.moved(order.client_id, r.OrderEvent.TIMED_OUT, reason="stopped before the answer")
                elif order.status is OrderStatus.NEW:
                    desk.moved(order.client_id, r.OrderEvent.DENIED, reason="stopped before it was sent")
        months.remember(self.desks, self.marks)
        self._pulse()
        return self.turn.records, self.turn.effects

    def step(self, event: ev.AnyEvent) -> Outcome:
        """Take one event in. The lists are valid until the next step."""
        self.turn.begin(event.ts_recv)
        if self.turn.now >= self._next_pulse:
            try:
                self._pulse()
            except Exception as error:
                if not self._survives(error):
                    raise
        try:
            _HANDLERS[type(event)](self, event)
        except Exception as error:
            if not self._survives(error):
                raise
        self._hasten(event)
        return self.turn.records, self.turn.effects

    def _hasten(self, event: ev.AnyEvent) -> None:
        """What an event has set going is seen to with the next busy pulse, not with the next idle one; and
        what a price does to an open position soon enough.
        """
        tick = type(event) in _TICKS and not self.turn.records
        soon = self.turn.now + (HELD_PULSE_NS if tick else BUSY_PULSE_NS)
        if self._next_pulse <= soon:
            return
        if any(desk.holding if tick else desk.busy for desk in self.desks.values()):
            self._next_pulse = soon

    def _survives(self, error: Exception) -> bool:
        """A bug must not leave positions alone: what was decided so far stands, and entries pause.

        False where nobody would be told of it, as in tests and replays.
        """
        if self.on_fault is None:
            return False
        self.on_fault(error)
        if scope(None, None) not in self.state.restrictions:
            self.turn.commit(
                r.StateChanged(
                    ts=self.turn.now,
                    book=None,
                    instrument=None,
                    state=TradingState.REDUCING,
                    reason="internal error, see the log",
                )
            )
        return True

    def next_deadline(self) -> int:
        """The `ts_recv` by which a TimeAdvanced is due if nothing else comes, nanoseconds UTC."""
        closing = self.bars.next_deadline()
        return self._next_pulse if closing is None else min(self._next_pulse, closing)

    # --- time ------------------------------------------------------------------------------------------

    def _pulse(self) -> None:
        now = self.turn.now
        self._next_pulse = now + BUSY_PULSE_NS  # also where something below fails
        rollover.roll(self.turn, self.marks)
        months.forget(self.desks, self.marks)
        for desk in self.desks.values():
            desk.pulse()
            self._recovered(desk)
            if not self.hands_off(desk):
                desk.tend()
                self.guards.check(desk, self.marks)
        busy = any(desk.busy for desk in self.desks.values())
        self._next_pulse = now + (BUSY_PULSE_NS if busy else PULSE_NS)

    def _on_time(self, event: ev.TimeAdvanced) -> None:
        self._act_on(self.bars.on_time(event.ts_recv))

    # --- market ----------------------------------------------------------------------------------------

    def _on_quote(self, event: ev.Quote) -> None:
        self.quotes[event.instrument] = event
        self.staleness.seen(event.instrument, event.ts_recv)
        self.marks.quote(event.instrument, event.bid, event.ask)
        for desk in self.desks.values():
            desk.on_mark(event.instrument)
        self._act_on(self.bars.on_quote(event))

    def _on_print(self, event: ev.Print) -> None:
        self.prints += 1
        self.last_prints[event.instrument] = event.price
        self.marks.trade(event.instrument, event.price)
        self.staleness.seen(event.instrument, event.ts_recv)
        self._act_on(self.bars.on_print(event))

    def _on_history(self, event: ev.HistoryLoaded) -> None:
        self._act_on(self.bars.on_time(event.ts_recv))
        rollover.mark_boundary(self.turn, event.instrument, event.bars)
        if self.bars.load_history(event.instrument, event.bars):
            self.board.warm_up(event.instrument)

    def _on_contract(self, event: ev.ContractResolved) -> None:
        if months.learn(event, self.turn, self.desks, self.bars, self.board, self.marks):
            self.quotes.pop(event.instrument.symbol, None)
            self.last_prints.pop(event.instrument.symbol, None)

    def _act_on(self, closings: Sequence[BarsClosed]) -> None:
        for closed in closings:
            self.board.on_closed(closed)
            for idea in self._ideas(closed):
                if isinstance(idea, Declined):
                    self.refusals[idea.reason] += 1
                    self.turn.say(NoticeKind.REFUSAL, Severity.INFO, idea.text, idea.instrument)
                    continue
                for desk in self.desks.values():
                    if self._recovered(desk):
                        self._consider(desk, idea)
                    else:
                        self.refusals[Refusal.NOT_RECONCILED.sentence] += 1

    def _ideas(self, closed: BarsClosed) -> Sequence[Idea | Declined]:
        """What the strategy says. One that raises is not asked again: what it has opened is managed on."""
        if self.strategy_error is not None:
            return ()
        try:
            return tuple(self.strategy.on_bars(closed, self.board))
        except Exception as error:
            if self.on_fault is None:
                raise
            self.strategy_error = error
            self.on_fault(error)
            self.turn.say(
                NoticeKind.RISK,
                Severity.CRITICAL,
                f"the strategy {self.strategy.name} failed and is out until the next start; "
                "its positions stay protected and managed",
            )
            return ()

    def _recovered(self, desk: Desk) -> bool:
        """Start-up is recovery: nothing new before positions agree and every trade has its stop again."""
        if desk.book not in self.recovered and desk.reconciled and protection.covered(desk):
            self.recovered.add(desk.book)
        return desk.book in self.recovered

    # --- entries ---------------------------------------------------------------------------------------

    def _consider(self, desk: Desk, idea: Idea) -> None:
        """Put an idea through the gate of one book: a plan, or a refusal with its reasons."""
        instrument = self.state.instruments.get(idea.instrument)
        if instrument is None:
            return
        qty, against = gate.check(idea, instrument, self.config.risk, self._circumstances(desk, idea))
        if against:
            self.refusals.update(refusal.sentence for refusal in against)
            self.turn.commit(r.IdeaRefused(ts=self.turn.now, book=desk.book, idea=idea, refusals=against))
            return
        desk.open_plan(
            TradePlan(
                plan_id=f"{self.state.boot}-{self.state.issued + 1}",
                book=desk.book,
                instrument=idea.instrument,
                side=idea.side,
                strategy=idea.strategy,
                legs=sizing.legs(idea, qty, self.config.risk.single_contract),
                created_ts=self.turn.now,
                reference=idea.reference,
                score_tenths=idea.score_tenths,
                reasons=idea.reasons,
            )
        )

    def _circumstances(self, desk: Desk, idea: Idea) -> gate.Circumstances:
        return circumstances(
            desk,
            idea,
            self.config,
            self.guards,
            self.marks,
            armed=self.armed(desk),
            journal_ok=self.journal_ok,
            venue_up=all(
                link.state is not LinkState.DOWN for link in self.links.values() if link.link in _VENUE_LINKS
            ),
            feed_stale=self.staleness.stale(idea.instrument, self.turn.now)
            or any(link.state is LinkState.STALE for link in self.links.values() if link.link == "market"),
        )

    def armed(self, desk: Desk) -> bool:
        """Whether a person has armed the book's account by typing its name."""
        account = desk.state.account
        return account is not None and account.name in self.config.armed_accounts

    def hands_off(self, desk: Desk) -> tuple[Refusal, ...]:
        """Why tstream does nothing by itself on this account; empty when it may. Commands always act."""
        account = desk.state.account
        kind = account.kind if account is not None else None
        return gate.hands_off(self.config.trading, kind, self.armed(desk))

    # --- venue -----------------------------------------------------------------------------------------

    def _on_link(self, event: ev.LinkChanged) -> None:
        before = self.links.get(event.link)
        self.links[event.link] = event
        if before is None or before.state is not event.state:
            self.link_since[event.link] = self.turn.now
            severity = Severity.WARNING if event.state in (LinkState.DOWN, LinkState.STALE) else Severity.INFO
            if event.link == "token" and event.state is LinkState.DOWN:
                severity = Severity.CRITICAL  # only a person can mend it
            detail = f": {event.detail}" if event.detail else ""
            self.turn.say(NoticeKind.CONNECTION, severity, f"{event.link} link {event.state.value}{detail}")
        if event.link == "market":
            if event.state is LinkState.LIVE:
                self.bars.feed_up(event.ts_venue or event.ts_recv)
            else:
                self.bars.feed_down(event.ts_venue or event.ts_recv)
        if event.link == "user":
            for desk in self.desks.values():
                if event.book in (None, desk.book):
                    desk.on_link(event.state is LinkState.LIVE)

    def _on_account_adopted(self, event: ev.AccountAdopted) -> None:
        book = self.state.book(event.book)
        if event.book not in self.desks:
            self.desks[event.book] = Desk(event.book, self.turn, self.config, self.marks)
            brackets.configured(self.desks[event.book])
        desk = self.desks[event.book]
        desk.balance_usd = event.account.balance_usd
        desk.can_trade = event.account.can_trade
        if book.account is None or _identity(book.account) != _identity(event.account):
            self.turn.commit(r.AccountKnown(ts=self.turn.now, book=event.book, account=event.account))
        desk.look(0)

    def _on_snapshot_failed(self, event: ev.SnapshotFailed) -> None:
        desk = self.desks.get(event.book)
        if desk is not None and desk.on_snapshot_failed():
            self.turn.say(
                NoticeKind.CONNECTION,
                Severity.WARNING,
                f"positions could not be looked up ({event.reason}); nothing is assumed, asking again",
                book=event.book,
            )

    def _on_position(self, event: ev.PositionReported) -> None:
        """The stream's word on a position: a difference is looked up once fills have had time to come."""
        desk = self.desks.get(event.book)
        if desk is None:
            return
        if desk.state.position(event.position.instrument).qty != event.position.qty:
            desk.look(2 * NANOS)

    def _on_journal(self, event: ev.JournalState) -> None:
        if self.journal_ok is not event.ok or not event.ok:  # a journal that is down may get worse
            severity = Severity.INFO if event.ok else Severity.CRITICAL
            what = "journal is written again" if event.ok else f"journal can't be written: {event.detail}"
            self.turn.say(NoticeKind.RISK, severity, what)
        self.journal_ok = event.ok

    def _on_command(self, event: ev.CommandReceived) -> None:
        contracts, books = tuple(self.instruments), self.config.books
        answer = obey(event.command, self.turn, self.desks, contracts, self.marks, books)
        self.turn.commit(r.CommandTaken(ts=self.turn.now, command=event.command, answer=answer))

    def day_usd(self, book: str) -> Decimal:
        """Net P&L of the day of a book at what its positions could be closed for, USD."""
        return day_usd(self.state.book(book), self.state, self.marks)


def _identity(account: Account) -> tuple[str, str, AccountKind]:
    return account.id, account.name, account.kind


def _for_desk(handler: Callable[[Desk, Any], None]) -> Callable[[Core, Any], None]:
    """A handler that concerns one book. A book that was never adopted has nothing to tell."""

    def handle(core: Core, event: Any) -> None:
        desk = core.desks.get(event.book)
        if desk is not None:
            handler(desk, event)

    return handle


_HANDLERS: dict[type, Callable[[Core, Any], None]] = {
    ev.Quote: Core._on_quote,
    ev.Print: Core._on_print,
    ev.TimeAdvanced: Core._on_time,
    ev.HistoryLoaded: Core._on_history,
    ev.ContractResolved: Core._on_contract,
    ev.LinkChanged: Core._on_link,
    ev.AccountAdopted: Core._on_account_adopted,
    ev.OrderReported: _for_desk(lambda desk, event: desk.on_order(event.order)),
    ev.FillReported: _for_desk(lambda desk, event: desk.on_fill(event.fill)),
    ev.AccountReported: _for_desk(Desk.on_account),
    ev.PlaceReplied: _for_desk(Desk.on_placed),
    ev.ModifyReplied: _for_desk(Desk.on_modified),
    ev.CancelReplied: _for_desk(Desk.on_cancelled),
    ev.CloseReplied: _for_desk(Desk.on_closed),
    ev.SnapshotTaken: _for_desk(Desk.on_snapshot),
    ev.SnapshotFailed: Core._on_snapshot_failed,
    ev.PositionReported: Core._on_position,
    ev.JournalState: Core._on_journal,
    ev.CommandReceived: Core._on_command,
}
