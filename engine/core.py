"""`Core.step(event)`: the whole brain as a function of state and event. No clock, no network, no chance.

The same core runs live, on the practice venue and in replays, so what was tested is what trades.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.books import months
from engine.books.alerts import AlertDesk
from engine.books.circumstances import circumstances
from engine.books.commands import obey
from engine.books.links import Links
from engine.books.paper_book import PAPER, PaperBook, served
from engine.execution import brackets, flatten, protection
from engine.execution.order_manager import Desk
from engine.market.bars import BarsClosed, MinuteBars
from engine.market.staleness import Staleness
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import AlertRoom, EngineConfig, RiskLimits
from engine.model.effects import AnyEffect
from engine.model.events import LinkState
from engine.model.instrument import Instrument
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Account, AccountKind, OrderStatus
from engine.model.plans import Idea, TradePlan
from engine.model.refusals import Refusal
from engine.model.view import TradingState
from engine.portfolio import day_roll as rollover
from engine.portfolio.money import Marks, day_usd
from engine.risk import gate, sizing
from engine.risk.guards import Guards
from engine.risk.sizers import BY_RISK, Wanted
from engine.signals.board import SignalBoard
from engine.state.state import State, scope
from engine.state.turn import Turn
from engine.strategies.alerts.alert import Parser
from engine.strategies.alerts.sanity import Market
from engine.strategies.protocol import Declined, Strategy

PULSE_NS = NANOS
HELD_PULSE_NS = NANOS // 4
"""While a position is held and prices come, its limits are looked at this often."""

BUSY_PULSE_NS = NANOS // 10
"""While something is due soon (a flatten, an answer, a missing stop) time is looked at this often."""

_TICKS = (ev.Quote, ev.Print)

PROGRAM = "tstream"

Outcome = tuple[list[r.AnyRecord], list[AnyEffect]]
"""Records to make durable, and then effects to run, in this order."""


class Core:
    """Owns the state of one engine run. Single-threaded; every change goes through `step`."""

    def __init__(
        self,
        config: EngineConfig,
        strategy: Strategy,
        state: State | None = None,
        parsers: Mapping[str, Parser] | None = None,
    ) -> None:
        """`state` is the fold of the journal; a fresh one begins empty. `parsers` are plug-ins for alert
        rooms by name.

        Raises RoomError where an alert room can't be traded as it is configured.
        """
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
        self.links = Links()
        self.quotes: dict[str, ev.Quote] = {}
        self.last_prints: dict[str, int] = {}
        self.prints = 0
        self.refusals: Counter[str] = Counter()
        """Why ideas and near ideas came to nothing in this run, by sentence."""
        self.journal_ok = True
        self.started_ts = 0
        self.strategy_error: Exception | None = None
        """What the strategy raised; it is left out since."""
        self.recovered: set[str] = set()
        """Books whose positions agreed with the venue, every trade with its stop, once in this run."""
        self._next_pulse = 0
        serve = served(config, self.state)
        self.paper = (
            PaperBook(serve, config, self.turn, self.desks, self._hear) if serve is not None else None
        )
        """The paper book beside the venue's books, if there is one."""
        self.parser_error: Exception | None = None
        """What an alert room's parser raised last; its message counts as unread."""
        self.alerts = AlertDesk(
            config.rooms,
            parsers if parsers is not None else {},
            self.instruments,
            self.turn,
            self.desks,
            self._market,
            self._consider,
            self._survives_parser,
        )

    @property
    def now(self) -> int:
        return self.turn.now

    @property
    def on_fault(self) -> Callable[[Exception], None] | None:
        """Told of a bug that `step` ran into; the core goes on with entries paused. None lets it raise."""
        return self.turn.on_fault

    @on_fault.setter
    def on_fault(self, told: Callable[[Exception], None] | None) -> None:
        self.turn.on_fault = told

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
            if name == PAPER and self.paper is None:
                continue
            self._open_desk(name)
            desk = self.desks[name]
            for order in list(book.orders.values()):
                if order.status is OrderStatus.SENT:
                    desk.moved(order.client_id, r.OrderEvent.TIMED_OUT, reason="stopped before the answer")
                elif order.status is OrderStatus.NEW:
                    desk.moved(order.client_id, r.OrderEvent.DENIED, reason="stopped before it was sent")
        months.remember(self.desks, self.marks)
        if self.paper is not None:
            self.paper.open()
        self._pulse()
        if self.paper is not None:
            self.paper.settle()
        return self.turn.records, self.turn.effects

    def step(self, event: ev.AnyEvent) -> Outcome:
        """Take one event in. The lists are valid until the next step."""
        self.turn.begin(event.ts_recv)
        paper = self.paper
        if paper is not None:
            # Whatever happens to its orders by now happens before anybody acts on the event.
            self._guarded(PaperBook.feed, paper, event)
        if self.turn.now >= self._next_pulse:
            self._guarded(Core._pulse, self)
        self._guarded(_HANDLERS[type(event)], self, event)
        if self.alerts.waits:
            self._guarded(AlertDesk.tend, self.alerts)
        if paper is not None and self.turn.effects:
            self._guarded(PaperBook.settle, paper)
        self._hasten(event)
        return self.turn.records, self.turn.effects

    def _guarded(self, work: Callable[..., None], *what: Any) -> None:
        """Do one part of a step; a bug in it leaves the other parts alone."""
        try:
            work(*what)
        except Exception as error:
            if not self._survives(error):
                raise

    def _hear(self, event: ev.AnyEvent) -> None:
        _HANDLERS[type(event)](self, event)

    def _open_desk(self, book: str) -> None:
        config = self.paper.config if self.paper is not None and book == PAPER else self.config
        desk = self.desks[book] = Desk(book, self.turn, config, self.marks)
        link = self.links.get("user", book)
        desk.streaming = book == PAPER or link is None or link.state is LinkState.LIVE
        brackets.configured(desk)

    def guards_of(self, desk: Desk) -> Guards:
        """What watches the limits of a book."""
        return self.paper.guards if self.paper is not None and desk.book == PAPER else self.guards

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
        due = self._next_pulse
        if self.paper is not None and self.paper.next_due < due:
            due = self.paper.next_due
        closing = self.bars.next_deadline()
        return due if closing is None else min(due, closing)

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
                self.guards_of(desk).check(desk, self.marks)
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

    def _market(self, symbol: str) -> Market:
        """What is known of a contract's price."""
        quote = self.quotes.get(symbol)
        bid, ask, last = (quote.bid, quote.ask, quote.last) if quote is not None else (None, None, None)
        last = self.last_prints.get(symbol, last)
        return Market(bid, ask, last, self.staleness.age(symbol, self.turn.now))

    def _survives_parser(self, error: Exception) -> bool:
        if self.on_fault is None:
            return False
        self.parser_error = error
        self.on_fault(error)
        return True

    def _consider(
        self,
        desk: Desk,
        idea: Idea,
        limits: RiskLimits | None = None,
        wanted: Wanted = BY_RISK,
        room: AlertRoom | None = None,
    ) -> None:
        """Put an idea through the gate of one book: a plan, or a refusal with its reasons.

        `limits` are the book's where none are given; `room` is where an alert's idea comes from.
        """
        instrument = self.state.instruments.get(idea.instrument, self.instruments.get(idea.instrument))
        if instrument is None:
            return
        qty, against = gate.check(
            idea,
            instrument,
            limits if limits is not None else desk.config.risk,
            self._circumstances(desk, idea, room),
            wanted,
        )
        if not self._recovered(desk) and Refusal.NOT_RECONCILED not in against:
            against = (*against, Refusal.NOT_RECONCILED)
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
                legs=sizing.legs(idea, qty, desk.config.risk.single_contract, absolute=bool(idea.origin)),
                created_ts=self.turn.now,
                reference=idea.reference,
                score_tenths=idea.score_tenths,
                reasons=idea.reasons,
                origin=idea.origin,
            )
        )

    def _circumstances(self, desk: Desk, idea: Idea, room: AlertRoom | None) -> gate.Circumstances:
        return circumstances(
            desk,
            idea,
            desk.config,
            self.guards_of(desk),
            self.marks,
            armed=self.armed(desk),
            journal_ok=self.journal_ok,
            venue_up=self.links.up(desk.book, paper=desk.book == PAPER),
            feed_stale=self.staleness.stale(idea.instrument, self.turn.now) or self.links.market_stale,
            room=room,
        )

    def armed(self, desk: Desk) -> bool:
        """Whether a person has armed the book's account by typing its name."""
        account = desk.state.account
        return account is not None and account.name in self.config.armed_accounts

    def hands_off(self, desk: Desk) -> tuple[Refusal, ...]:
        """Why tstream does nothing by itself on this account; empty when it may. Commands always act."""
        account = desk.state.account
        kind = account.kind if account is not None else None
        if desk.book == PAPER and self.config.paper is None:
            return (Refusal.OFF,)  # switched off: what is open there runs out, and nothing new begins
        return gate.hands_off(self.config.trading, kind, self.armed(desk))

    # --- venue -----------------------------------------------------------------------------------------

    def _on_link(self, event: ev.LinkChanged) -> None:
        self.links.changed(event, self.turn)
        if event.link == "market":
            if event.state is LinkState.LIVE:
                self.bars.feed_up(event.ts_venue or event.ts_recv)
            else:
                self.bars.feed_down(event.ts_venue or event.ts_recv)
        if event.link == "user":
            for desk in self.desks.values():
                if event.book in (None, desk.book) and desk.book != PAPER:
                    desk.on_link(event.state is LinkState.LIVE)

    def _on_account_adopted(self, event: ev.AccountAdopted) -> None:
        known, before = self.state.book(event.book).account, self.desks.get(event.book)
        if known is None or _identity(known) != _identity(event.account):
            self.turn.commit(r.AccountKnown(ts=self.turn.now, book=event.book, account=event.account))
        another = known is not None and known.id != event.account.id
        if before is None or another:
            self._open_desk(event.book)
            self.recovered.discard(event.book)
        desk = self.desks[event.book]
        desk.balance_usd = event.account.balance_usd
        desk.can_trade = event.account.can_trade
        if before is not None and another:
            # Who asked for a flatten in this run meant the account that the book trades now.
            flatten.start(desk, flatten.latched_since(before, self.started_ts), "manual")
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

    def _on_alert(self, event: ev.AlertReceived) -> None:
        self.alerts.take(event)

    def _on_command(self, event: ev.CommandReceived) -> None:
        contracts, books = tuple(self.instruments), self.config.books
        answer = obey(event.command, self.turn, self.desks, contracts, self.marks, books)
        self.turn.commit(
            r.CommandTaken(ts=self.turn.now, command=event.command, answer=answer.text, done=answer.done)
        )

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
    ev.Replied: _for_desk(Desk.on_reply),
    ev.SnapshotTaken: _for_desk(Desk.on_snapshot),
    ev.SnapshotFailed: Core._on_snapshot_failed,
    ev.PositionReported: Core._on_position,
    ev.JournalState: Core._on_journal,
    ev.CommandReceived: Core._on_command,
    ev.AlertReceived: Core._on_alert,
}
