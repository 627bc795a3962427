"""`Core.step(event)`: the whole brain as a function of state and event. No clock, no network, no chance.

It runs live, in practice and in replays alike. Here stands which part hears which event, and little else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.books import commands, months, risk_alerts
from engine.books.accounts import Accounts
from engine.books.alert_trading import AlertTrading
from engine.books.book import Book
from engine.books.bots import Bot, lone, watched
from engine.books.clocks import Clocks
from engine.books.day_rolls import DayRolls
from engine.books.entries import Entries
from engine.books.links import Links, heard, tell_absurd, tell_late, tell_security, tell_switches
from engine.books.manual import ManualOrders
from engine.books.opening import BookMaker, write_start
from engine.books.pulse import Pulse
from engine.books.reloading import Reloading
from engine.execution.order_manager import OrderManager
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import BotCommand, ManualCommand, SettingsCommand
from engine.model.config import EngineConfig
from engine.model.effects import AnyEffect
from engine.model.instrument import Instrument
from engine.portfolio import day_roll
from engine.portfolio.money import Marks
from engine.state.restrictions import paused_by
from engine.state.state import State
from engine.state.turn import Turn
from engine.strategies.alerts.alert import Parser
from engine.strategies.protocol import Strategy

Outcome = tuple[list[r.AnyRecord], list[AnyEffect]]
"""Records to make durable, and then effects to run, in this order."""


class Core:
    """Owns the state of one engine run. Single-threaded; every change goes through `step`."""

    def __init__(
        self,
        config: EngineConfig,
        strategy: Strategy | Sequence[Bot],
        state: State | None = None,
        parsers: Mapping[str, Parser] | None = None,
    ) -> None:
        """`strategy` may be several bots. `state` is the fold of the journal; a fresh one begins empty.
        `parsers` are plug-ins for alert rooms by name. Raises RoomError where a room can't be traded so.
        """
        self.config = config
        self.instruments: dict[str, Instrument] = {i.symbol: i for i in config.instruments}
        self.state = state if state is not None else State()
        self.started_ts = 0
        self.turn = turn = Turn(self.state)
        turn.silent = config.unseen
        self.books: dict[str, Book] = {}
        """Those whose account is known, by name."""
        self.marks = marks = Marks()
        bots = strategy if isinstance(strategy, Sequence) else (lone(strategy),)
        self.market = watched(bots, config, self.instruments, turn)
        self.market.quarantine.tell = lambda price: tell_absurd(price, turn)
        self.links = Links()
        maker = BookMaker(config, self.state, turn, self.books, self._hear_inside)
        self._accounts = Accounts(maker, turn, self.books, config, self.marks, self.links)
        self.inside = maker.inside  # brokers that are carried out within the step that decides
        self.entries = Entries(bots, config, turn, self.books, self.market, self.marks, self.links)
        rooms, read, consider = config.rooms, parsers or {}, self.entries.consider
        self.alerts = AlertTrading(rooms, read, self.instruments, turn, self.books, self.market, consider)
        self.manual = ManualOrders(turn, self.books, self.instruments, self.market, self.entries)
        self.reloading = Reloading(config, turn, self.books, bots, self.market, maker, self.alerts)
        days = DayRolls(turn, marks, config)
        self._pulse = Pulse(turn, self.books, self.market, marks, days, self._guarded)
        self.clocks = Clocks(turn, self.books, self.market.bars, practice_time=config.practice_time)

    @property
    def now(self) -> int:
        return self.turn.now

    def start(self, ts: int) -> Outcome:
        """Begin a run: requests whose answer was lost with the last one become unknown, to be looked up."""
        self.clocks.start(ts)
        self.started_ts = self.turn.now
        write_start(self.turn, self.config)
        self.clocks.started()
        self._accounts.start()
        months.remember(self.books, self.market, self.marks)
        for broker in self.inside:
            broker.open()
        self._accounts.tell_unserved()
        self._pulse.beat()
        for broker in self.inside:
            broker.settle()
        self._pulse.wake()  # what the brokers inside have answered came after the look
        return self.turn.records, self.turn.effects

    def step(self, event: ev.AnyEvent) -> Outcome:
        """Take one event in. The lists are valid until the next step."""
        self.clocks.begin(event)
        self._guarded(self._sift, event)
        return self.turn.records, self.turn.effects

    def _sift(self, event: ev.AnyEvent) -> None:
        sources, counts = self.market.sources, True
        if sources.chosen:
            counts = sources.counts(event, self.turn.now)
            if self.turn.now >= sources.lateness.due:
                tell_late(sources.lateness.look(self.turn.now, self.turn.wall_offset), self.turn)
        for one in self.market.quarantine.sift(event) if counts else (event,):
            self._take(one, counts)

    def _take(self, event: ev.AnyEvent, counts: bool) -> None:
        """`counts`: it does not come from a venue whose prices are not the ones that are gone by."""
        turn = self.turn
        if self.inside and counts and not (type(event) is ev.Print and self.market.bars.repeats(event)):
            for broker in self.inside:
                # Whatever happens to its orders by now happens before anybody acts on the event.
                self._guarded(broker.feed, event)
        if turn.now >= self._pulse.due:
            self._guarded(self._pulse.beat)
        if turn.now >= self.market.sources.due:
            self._guarded(self._look_at_sources)
        if counts or type(event) is ev.ContractResolved:
            self._guarded(_HANDLERS[type(event)], self, event)
        if self.alerts.waits:
            self._guarded(self.alerts.tend)
        if self.state.reversing:
            self._guarded(self.manual.tend)
        if turn.effects:
            self._pulse.wake()  # brokers inside take their effects away, and answer them
            for broker in self.inside:
                self._guarded(broker.settle)
        self._pulse.hasten(event)

    def next_deadline(self) -> int:
        """The `ts_recv` by which a TimeAdvanced is due if nothing else comes, nanoseconds UTC."""
        due = min(self._pulse.due, self.market.sources.due, self.entries.opinions.due)
        due = min(due, *[broker.next_due for broker in self.inside]) if self.inside else due
        due -= self.clocks.lead
        return min(due, self.market.bars.next_deadline() or due)

    def _look_at_sources(self) -> None:
        switches = self.market.look_at_sources(self.turn.now, self.turn.wall)
        tell_switches(switches, self.turn)
        for broker in self.inside:
            broker.on_sources(switches)

    def _hear_inside(self, event: ev.AnyEvent) -> None:
        self._pulse.happened(event)
        _HANDLERS[type(event)](self, event)

    def _guarded(self, work: Callable[..., None], *what: Any) -> bool:
        """Do one part of a step; False where it has a bug: what was decided stands, and entries pause."""
        try:
            work(*what)
            return True
        except Exception as error:  # noqa: BLE001
            paused_by(error, self.turn)
            return False

    def _on_quote(self, event: ev.Quote) -> None:
        self.clocks.confirm(event.ts_venue)
        closings = self.market.on_quote(event, self.turn.now)
        self.marks.quote(event.instrument, event.bid, event.ask, event.ts_venue)
        self._accounts.marked(event.instrument)
        if closings:
            self.entries.on_bars(closings)

    def _on_print(self, event: ev.Print) -> None:
        self.clocks.on_print(event)
        self.marks.trade(event.instrument, event.price, event.ts_venue)
        self._accounts.marked(event.instrument)
        if closings := self.market.on_print(event, self.turn.now):
            self.entries.on_bars(closings)

    def _on_bar(self, event: ev.BarReported) -> None:
        """What is held stands the bar first, its limits are looked at, and then bots are asked."""
        if self.state.clock_set_ns:
            self.clocks.confirm(event.ts_venue)
        self._accounts.stands(event.bar)
        if self._pulse.concerned():
            self._guarded(self._pulse.beat)
        self.entries.on_bars(self.market.on_bar(event, self.turn.now))

    def _on_history(self, event: ev.HistoryLoaded) -> None:
        self.entries.on_bars(self.market.bars.on_time(event.ts_recv))
        day_roll.mark_boundary(self.turn, event.instrument, event.bars)
        self.market.on_history(event)

    def _on_link(self, event: ev.LinkChanged) -> None:
        heard(event, self.links, self.market, self.books, self.turn)
        if event.link == "token":
            self.clocks.confirm(event.ts_venue)

    def _on_command(self, event: ev.CommandReceived) -> None:
        if isinstance(event.command, ManualCommand):
            self.manual.take(event.command)
        elif isinstance(event.command, BotCommand):
            self.entries.bots.take(event.command)
        elif isinstance(event.command, SettingsCommand):
            self.reloading.answer(event.command)
        else:
            known = tuple(self.instruments), self.marks, self.config.expected
            commands.take(event.command, self.turn, self.books, *known)


def _for_book(handler: Callable[[OrderManager, Any], None]) -> Callable[[Core, Any], None]:
    """A handler that concerns one book. A book that was never adopted has nothing to tell."""

    def handle(core: Core, event: Any) -> None:
        if (book := core.books.get(event.book)) is not None:
            handler(book.orders, event)

    return handle


_HANDLERS: dict[type, Callable[[Core, Any], None]] = {
    ev.Quote: Core._on_quote,
    ev.Print: Core._on_print,
    ev.BarReported: Core._on_bar,
    ev.Depth: lambda core, event: core.market.on_depth(event),
    ev.HeldPriced: lambda core, event: core._accounts.marked(months.priced(event, core.marks)),
    ev.TimeAdvanced: lambda core, event: core.entries.on_bars(core.market.bars.on_time(event.ts_recv)),
    ev.HistoryLoaded: Core._on_history,
    ev.ContractResolved: lambda core, e: months.learn(e, core.turn, core.books, core.market, core.marks),
    ev.LinkChanged: Core._on_link,
    ev.AccountAdopted: lambda core, event: core._accounts.adopted(event, core.started_ts),
    ev.AccountFound: lambda core, event: core._accounts.found(event),
    ev.OrderReported: _for_book(lambda orders, event: orders.on_order(event.order)),
    ev.FillReported: _for_book(lambda orders, event: orders.on_fill(event.fill)),
    ev.AccountReported: _for_book(OrderManager.on_account),
    ev.Replied: _for_book(OrderManager.on_reply),
    ev.SnapshotTaken: _for_book(OrderManager.on_snapshot),
    ev.SnapshotFailed: _for_book(OrderManager.on_snapshot_failed),
    ev.PositionReported: _for_book(OrderManager.on_position),
    ev.JournalState: lambda core, event: core.entries.on_journal(event),
    ev.SettingsReloaded: lambda core, event: core.reloading.take(event),
    ev.CommandReceived: Core._on_command,
    ev.SecurityTold: lambda core, event: tell_security(event, core.turn),
    ev.ClockChecked: lambda core, event: core.clocks.on_checked(event),
    ev.BotOverran: lambda core, event: core.entries.bots.on_overran(event),
    ev.RiskTold: lambda core, event: risk_alerts.tell(event, core.turn),
    ev.AlertReceived: lambda core, event: core.alerts.take(event),
    **dict.fromkeys(ev.OPINIONS, lambda core, event: core.entries.opinions.hear(event)),
}
