"""A core with a venue that answers only by hand: every report, answer and second is the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from engine.core import Core
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import AnyCommand
from engine.model.config import BookConfig, Brackets, EngineConfig, TradingSwitch
from engine.model.decision import OpinionConfig
from engine.model.errors import Cause
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.notices import Notice, Severity
from engine.model.orders import (
    Account,
    AccountKind,
    Fill,
    OrderStatus,
    OrderType,
    Slot,
    VenueOrder,
    VenuePosition,
    VenueStatus,
)
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.model.sizing import Sizing
from engine.state.fold import apply
from engine.state.state import BookState, Order, State
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.invariants import Invariants
from tests.support.venue_orders import MNQ, PRICE, VenueOrders

BOOK = "hand"
STEP_NS = NANOS // 10
UNKNOWN = ev.Outcome.UNKNOWN
E = TypeVar("E")


def idea(side: Side = Side.BUY, *, stop: int = 40, targets: Sequence[int] = (80, 160)) -> Idea:
    """Relative to the close: distances in ticks. At 200 USD a trade and 40 ticks it takes 5 contracts."""
    sign = side.sign
    return Idea(
        "scripted", "MNQ", side, 0, -sign * stop, tuple(sign * t for t in targets), 80, ("test",), 0, 3
    )


class ManualVenue(VenueOrders):
    """Events in by hand, effects out by hand; the invariants are looked at after every event."""

    def __init__(
        self,
        *ideas: Idea,
        journal: Sequence[r.AnyRecord] = (),
        boot: int = 1,
        at: int = T0,
        risk: RiskLimits | None = None,
        brackets: Brackets = Brackets.AUTO,
        trading: TradingSwitch = TradingSwitch.LIVE,
        rooms: Sequence[AlertRoom] = (),
        sizing: Sizing | None = None,
        opinion: OpinionConfig | None = None,
    ) -> None:
        VenueOrders.__init__(self, at, boot)
        self.rooms = tuple(rooms)
        self.risk = RiskLimits() if risk is None else risk
        state = State()
        for record in journal:
            apply(state, record)
        self.invariants = Invariants(journal)
        # The first idea comes with the first whole minute, the next ones in their turn.
        script = [(at + 3 * n * MINUTE, one) for n, one in enumerate(ideas)]
        strategy = ScriptedStrategy(script, relative=True)
        config = EngineConfig(
            (MNQ, CME_FUTURES["ES"]),
            "hand",
            "t",
            boot,
            trading,
            templates=(BookConfig(risk=self.risk, brackets=brackets, sizing=sizing),),
            rooms=self.rooms,
            opinion=opinion or OpinionConfig(),
            bar_grace_ns=0,  # prints come in order here
        )
        self.core = Core(config, strategy, state)
        self.effects: list[fx.AnyEffect] = []
        self.account_id = "1"
        self.answering = True
        """Whether snapshots are answered by themselves, with what the venue holds."""
        self._obeyed = 0
        self._take(*self.core.start(self.now))

    # -- what came out -----------------------------------------------------------------------------

    @property
    def book(self) -> BookState:
        return self.core.state.book(BOOK)

    @property
    def journal(self) -> list[r.AnyRecord]:
        return self.invariants.journal

    @property
    def notices(self) -> list[Notice]:
        return list(self.core.turn.notices)

    def critical(self) -> list[str]:
        return [n.text for n in self.notices if n.severity is Severity.CRITICAL]

    def of(self, kind: type[E]) -> list[E]:
        """Effects of one kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def written(self, kind: type[E]) -> list[E]:
        return [record for record in self.journal if isinstance(record, kind)]

    def order(self, client_id: str) -> Order:
        return self.book.orders[client_id]

    def in_slot(self, slot: Slot, leg: int = 0) -> list[Order]:
        return [o for o in self.book.orders.values() if o.slot is slot and o.leg == leg]

    # -- time and events ---------------------------------------------------------------------------

    def step(self, event: ev.AnyEvent) -> None:
        self._take(*self.core.step(event))

    def _take(self, records: Sequence[r.AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        records, effects = list(records), list(effects)
        self.invariants.after(self.core, records, effects)
        self.effects.extend(effects)
        for effect in effects:
            if isinstance(effect, fx.TakeSnapshot) and self.answering and BOOK in self.core.books:
                self.snapshot(effect)

    def wait(self, seconds: float) -> None:
        """Let time pass in pulses."""
        end = self.now + int(seconds * NANOS)
        while self.now < end:
            self.now = min(end, self.now + STEP_NS)
            self.step(ev.TimeAdvanced(ts_recv=self.now))

    def look(self) -> None:
        """Have the venue's truth looked up now."""
        self.core.books[BOOK].orders.look(0)
        self.core._pulse.happened()  # nothing that a book hears of has asked for it
        self.core._pulse.due = self.now

    def quote(self, bid: int = PRICE, ask: int | None = None) -> None:
        ask = bid + 1 if ask is None else ask
        self.step(ev.Quote(ts_recv=self.now, ts_venue=self.now, instrument="MNQ", bid=bid, ask=ask))

    def trade(self, price: int) -> None:
        """The market trades at a price, which is its bid then."""
        self.step(ev.Print(ts_recv=self.now, ts_venue=self.now, instrument="MNQ", price=price, size=1))
        self.quote(price)

    def say(self, command: AnyCommand) -> str:
        """The answer to a command."""
        return self.ask(command).text

    def ask(self, command: AnyCommand) -> Notice:
        """The same with what each book says."""
        self.step(ev.CommandReceived(ts_recv=self.now, command=command))
        turn = self.core.turn
        found = (one for one in (*turn.tried, *reversed(turn.notices)) if one.command_id == command.id)
        return next(found)

    def link(self, state: ev.LinkState, link: str = "user") -> None:
        self.step(ev.LinkChanged(ts_recv=self.now, link=link, state=state))

    def account(self) -> Account:
        return Account(self.account_id, "PRACTICE", AccountKind.PRACTICE, Decimal(50_000), can_trade=True)

    def connect(self) -> None:
        """Contract, account, links, and a first snapshot."""
        self.step(ev.ContractResolved(ts_recv=self.now, instrument=MNQ, contract_id="x", name="MNQX"))
        self.step(ev.AccountAdopted(ts_recv=self.now, book=BOOK, account=self.account()))
        self.link(ev.LinkState.LIVE, "market")
        self.link(ev.LinkState.LIVE)
        self.quote()
        self.wait(1.5)

    def trade_idea(self) -> list[fx.PlaceOrder]:
        """Close a minute, so that the scripted idea comes; the entries that it leads to."""
        before = len(self.of(fx.PlaceOrder))
        for _ in range(2):
            self.now += MINUTE - self.now % MINUTE
            self.quote()
            self.step(ev.Print(ts_recv=self.now, ts_venue=self.now, instrument="MNQ", price=PRICE, size=1))
            if len(self.of(fx.PlaceOrder)) > before:
                break
            self.wait(1.2)
        return self.of(fx.PlaceOrder)[before:]

    # -- the venue's side --------------------------------------------------------------------------

    def tell(self, venue_id: str) -> None:
        order = self.orders[venue_id]
        self.step(ev.OrderReported(ts_recv=self.now, ts_venue=order.ts_venue, book=BOOK, order=order))

    def tell_fill(self, fill: Fill) -> None:
        self.step(ev.FillReported(ts_recv=self.now, ts_venue=fill.ts_venue, book=BOOK, fill=fill))

    def reply(
        self,
        request: fx.AnyRequest,
        outcome: ev.Outcome,
        venue_id: str | None = None,
        cause: Cause | None = None,
        reason: str | None = None,
    ) -> None:
        if reason is None:
            reason = "" if outcome is ev.Outcome.ACCEPTED else "no"
        self.step(ev.reply(request, self.now, outcome, reason, cause, venue_id))

    def answer(
        self, change: fx.ModifyOrder, outcome: ev.Outcome, cause: Cause | None = None
    ) -> fx.ModifyOrder:
        """Answer a change; one that is accepted takes place and is told."""
        if outcome is ev.Outcome.ACCEPTED:
            asked = {"qty": change.qty, "limit": change.limit, "stop": change.stop}
            self.change(change.venue_id, **{k: v for k, v in asked.items() if v is not None})
        self.step(ev.reply(change, self.now, outcome, cause=cause))
        if outcome is ev.Outcome.ACCEPTED:
            self.tell(change.venue_id)
        return change

    def accept(self, *orders: fx.PlaceOrder, legs: bool = False) -> list[str]:
        """Take orders in and say so; their venue ids."""
        ids = []
        for order in orders:
            ids.append(self.lodge(order, legs=legs))
            self.reply(order, ev.Outcome.ACCEPTED, ids[-1])
        return ids

    def end(self, venue_id: str, status: VenueStatus = VenueStatus.CANCELED) -> None:
        """End an order at the venue and tell of it."""
        self.change(venue_id, status=status)
        self.tell(venue_id)

    def close_all(self, price: int = PRICE) -> None:
        """What the venue does on a close of MNQ: a market order of its own."""
        qty, venue_id = self.positions["MNQ"], self.new_id()
        side = Side.SELL if qty > 0 else Side.BUY
        self.orders[venue_id] = VenueOrder(
            venue_id, None, "MNQ", side, OrderType.MARKET, abs(qty), VenueStatus.PENDING
        )
        self.tell(venue_id)
        self.tell_fill(self.execute(venue_id, price))
        self.tell(venue_id)

    def obey(self, seconds: float = 6.0) -> None:
        """Be a venue that does whatever it was asked and is not answered yet, and says so; for a while."""
        for _ in range(int(seconds * 5)):
            while self._obeyed < len(self.effects):
                self._obeyed += 1
                match self.effects[self._obeyed - 1]:
                    case fx.PlaceOrder(client_id=cid) as order if self.order(cid).status is OrderStatus.SENT:
                        self.accept(order)
                    case fx.ModifyOrder(client_id=cid) as change if (
                        self.order(cid).status is OrderStatus.PENDING_MODIFY
                    ):
                        self.answer(change, ev.Outcome.ACCEPTED)
                    case fx.CancelOrder() as cancel if self.orders[cancel.venue_id].status.live:
                        self.end(cancel.venue_id)
                    case _:
                        pass
            self.wait(0.2)

    def stops(self) -> list[tuple[int, int | None]]:
        """(open quantity, price) of the stops that stand, as the core knows them."""
        return sorted(
            (o.open_qty, o.stop)
            for o in self.book.live_orders()
            if o.type is OrderType.STOP and o.slot is not Slot.ENTRY and not o.suspended
        )

    def targets(self) -> list[tuple[int, int | None]]:
        """(open quantity, price) of the targets that stand, as the core knows them."""
        return sorted(
            (o.open_qty, o.limit)
            for o in self.book.live_orders()
            if o.slot is Slot.TARGET and not o.suspended
        )

    def snapshot(self, query: fx.TakeSnapshot) -> None:
        """Answer a question with what the venue holds."""
        self.step(
            ev.SnapshotTaken(
                ts_recv=self.now,
                book=BOOK,
                since=query.since,
                account=self.account(),
                orders=tuple(self.orders.values()),
                fills=tuple(f for f in self.fills if f.ts_venue >= query.since),
                positions=tuple(
                    VenuePosition(i, q, MNQ.price(PRICE)) for i, q in self.positions.items() if q
                ),
            )
        )

    # -- short ways --------------------------------------------------------------------------------

    def enter(self, order: fx.PlaceOrder, *, legs: bool = True) -> dict[str, str]:
        """Accept and fill an entry, told in the usual order; venue ids of entry, SL and TP."""
        venue_id = self.lodge(order, legs=legs)
        family = [venue_id, *(o.venue_id for o in self.orders.values() if o.parent_id == venue_id)]
        for one in family:
            self.tell(one)
        self.reply(order, ev.Outcome.ACCEPTED, venue_id)
        fill = self.execute(venue_id)
        self.tell_fill(fill)
        for one in family:
            self.tell(one)
        return dict(zip(("entry", "SL", "TP"), family, strict=False))

    def standing(self) -> list[VenueOrder]:
        """What lives at the venue."""
        return [order for order in self.orders.values() if order.status.live]

    def restart(
        self,
        *ideas: Idea,
        after_s: float = 5.0,
        brackets: Brackets = Brackets.AUTO,
        trading: TradingSwitch = TradingSwitch.LIVE,
    ) -> ManualVenue:
        """A new process on the same journal and the same venue."""
        boot = self.core.state.boot + 1
        at = self.now + int(after_s * NANOS)
        again = ManualVenue(
            *ideas,
            journal=self.journal,
            boot=boot,
            at=at,
            risk=self.risk,
            brackets=brackets,
            trading=trading,
            rooms=self.rooms,
        )
        again.orders, again.fills, again.positions = self.orders, self.fills, self.positions
        return again


def entered(
    *, legs: bool = True, targets: Sequence[int] = (80,), risk: RiskLimits | None = None
) -> tuple[ManualVenue, dict[str, str]]:
    """A bench long 5 (or 2 and 3) with its brackets at work; the ids of the first leg's family."""
    bench = ManualVenue(idea(targets=targets), risk=risk)
    bench.connect()
    ids = [bench.enter(order, legs=legs) for order in bench.trade_idea()]
    return bench, ids[0]


def connected(
    *,
    targets: tuple[int, ...] = (80,),
    ideas: int = 1,
    risk: RiskLimits | None = None,
    brackets: Brackets = Brackets.AUTO,
) -> tuple[ManualVenue, fx.PlaceOrder]:
    """A bench whose entry order is on its way."""
    bench = ManualVenue(*[idea(targets=targets)] * ideas, risk=risk, brackets=brackets)
    bench.connect()
    return bench, bench.trade_idea()[0]
