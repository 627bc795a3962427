"""One book, written to record by record as the engine would, for tests of the folded state."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from engine.books.book import Book as EngineBook
from engine.books.book import BookSpec
from engine.books.opening import VENUE_LINKS
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.limits import RiskLimits
from engine.model.market import NANOS, Side
from engine.model.orders import Account, AccountKind, Fill, OrderSpec, OrderType, Slot
from engine.model.plans import Leg, TradePlan
from engine.model.records import OrderEvent as E
from engine.portfolio.money import Marks
from engine.state.fold import apply
from engine.state.state import BookState, Order, PlanState, State
from engine.state.turn import Turn

BOOK = "practice"
MNQ, MES, MGC = CME_FUTURES["MNQ"], CME_FUTURES["MES"], CME_FUTURES["MGC"]
DAY = "2026-11-16"
MORNING = 1_794_844_800 * NANOS
"""Monday 16 November 2026, 16:00 UTC: ten in the morning in Chicago."""

GRACE = 2 * NANOS


def config() -> EngineConfig:
    return EngineConfig(
        instruments=(MNQ, MES, MGC),
        venue="test",
        install="test",
        boot=1,
        trading=TradingSwitch.LIVE,
    )


class _Kept(Turn):
    """A turn that remembers what it wrote in all."""

    def __init__(self, state: State, journal: list[r.AnyRecord]) -> None:
        super().__init__(state)
        self.journal = journal

    def commit(self, record: r.AnyRecord) -> None:
        super().commit(record)
        self.journal.append(record)


def day_rolled(ts: int, day: str) -> r.DayRolled:
    """The record that a trade date began."""
    return r.DayRolled(ts=ts, trade_date=day, day_open_ts=CME.session_bounds(date.fromisoformat(day))[0])


class Book:
    """Says in few words what happened; every word is a record, folded at once and kept."""

    def __init__(self, now: int = MORNING) -> None:
        self.journal: list[r.AnyRecord] = []
        self.turn: Turn = _Kept(State(), self.journal)
        self._numbers = 0
        self.at(now)
        self.write(r.RunStarted(ts=now, install="test", boot=1, program="tstream"))
        for instrument in (MNQ, MES, MGC):
            symbol = instrument.symbol
            self.write(r.ContractKnown(ts=now, instrument=instrument, contract_id=symbol, name=f"{symbol}Z6"))
        account = Account("1", "PRAC-1", AccountKind.PRACTICE, Decimal(50_000), can_trade=True)
        self.write(r.AccountKnown(ts=now, book=BOOK, account=account))
        self.write(day_rolled(now, DAY))

    @property
    def now(self) -> int:
        return self.turn.now

    @property
    def state(self) -> BookState:
        return self.turn.state.book(BOOK)

    def at(self, now: int) -> None:
        self.turn.begin(now)

    def wait(self, nanos: int) -> None:
        self.at(self.now + nanos)

    def write(self, record: r.AnyRecord) -> None:
        self.turn.commit(record)

    def opened(self, risk: RiskLimits | None = None, marks: Marks | None = None) -> EngineBook:
        """The engine's book over these records."""
        spec = BookSpec(BookConfig(BOOK, risk=risk or RiskLimits()), VENUE_LINKS)
        return EngineBook(spec, self.turn, config(), Marks() if marks is None else marks, streaming=True)

    def restarted(self, later: int) -> Book:
        """The book as a new run over the same journal finds it, so much later in nanoseconds."""
        again = Book.__new__(Book)
        again.journal = list(self.journal)
        again.turn = _Kept(refolded(self.journal), again.journal)
        again._numbers = self._numbers
        again.at(self.now + later)
        return again

    # --- words -----------------------------------------------------------------------------------------

    def plan(
        self,
        *legs: Leg,
        side: Side = Side.BUY,
        instrument: Instrument = MNQ,
        plan_id: str = "p",
        entry_limit: int | None = None,
    ) -> PlanState:
        plan = TradePlan(
            plan_id=plan_id,
            book=BOOK,
            instrument=instrument.symbol,
            side=side,
            strategy="test",
            legs=legs,
            created_ts=self.now,
            reference=100,
            entry_limit=entry_limit,
        )
        self.write(r.PlanOpened(ts=self.now, plan=plan))
        return self.state.plans[plan_id]

    def order(
        self,
        slot: Slot | None,
        qty: int,
        *,
        side: Side | None = None,
        leg: int = 0,
        plan_id: str | None = "p",
        instrument: Instrument = MNQ,
        limit: int | None = None,
        stop: int | None = None,
        client_id: str | None = None,
        sent: bool = True,
        bare: bool = False,
    ) -> Order:
        """An order of a plan as it is intended and, unless told otherwise, sent. An entry that is not `bare`
        carries its leg's bracket.
        """
        found = self.state.plans.get(plan_id or "")
        if side is None:
            assert found is not None
            side = found.plan.side if slot is Slot.ENTRY else found.plan.side.opposite
        self._numbers += 1
        client_id = client_id or f"ts-test-1-{self._numbers}"
        bracket = found.plan.legs[leg] if found is not None and slot is Slot.ENTRY and not bare else None
        self.write(
            r.OrderIntended(
                ts=self.now,
                book=BOOK,
                client_id=client_id,
                plan_id=plan_id or "",
                leg=leg,
                slot=slot or Slot.ENTRY,
                instrument=instrument.symbol if found is None else found.plan.instrument,
                spec=OrderSpec(
                    side,
                    _kind(limit, stop),
                    qty,
                    limit,
                    stop,
                    bracket.stop_offset if bracket is not None else None,
                    bracket.target_offset if bracket is not None else None,
                    reduces=slot in (Slot.STOP, Slot.TARGET),
                ),
            )
        )
        if sent:
            self.moved(client_id, E.SENT)
        return self.state.orders[client_id]

    def accepted(self, order: Order) -> Order:
        self.moved(order.client_id, E.ACCEPTED, venue_id=f"v-{order.client_id}")
        return order

    def moved(self, client_id: str, event: E, **what: Any) -> None:
        """An order's record, with these of its fields."""
        self.write(r.OrderMoved(ts=self.now, book=BOOK, client_id=client_id, event=event, **what))

    def adopted(
        self,
        qty: int,
        side: Side,
        *,
        client_id: str = "venue-1",
        plan_id: str | None = None,
        leg: int = 0,
        slot: Slot | None = None,
        limit: int | None = None,
        stop: int | None = None,
        suspended: bool = False,
        instrument: Instrument = MNQ,
    ) -> Order:
        """An order that the venue made: a bracket's leg, or somebody else's."""
        self.write(
            r.OrderAdopted(
                ts=self.now,
                book=BOOK,
                client_id=client_id,
                venue_id=f"v-{client_id}",
                instrument=instrument.symbol,
                spec=OrderSpec(side, _kind(limit, stop), qty, limit, stop),
                plan_id=plan_id,
                leg=leg,
                slot=slot,
                suspended=suspended,
            )
        )
        return self.state.orders[client_id]

    def fill(
        self, order: Order, price: int, qty: int | None = None, cost: str = "0", trade_id: str = ""
    ) -> None:
        self._numbers += 1
        self.write(
            r.FillApplied(
                ts=self.now,
                book=BOOK,
                client_id=order.client_id,
                fill=Fill(
                    trade_id or f"t{self._numbers}",
                    order.venue_id or "",
                    order.instrument,
                    order.side,
                    price,
                    order.open_qty if qty is None else qty,
                    Decimal(cost),
                    self.now,
                ),
            )
        )

    # --- common openings -------------------------------------------------------------------------------

    def entered(self, *legs: Leg, price: int = 100, **kwargs: Any) -> PlanState:
        """A plan whose market entries are filled at one price, without exits yet."""
        found = self.plan(*legs, **kwargs)
        for k, leg in enumerate(legs):
            entry = self.accepted(self.order(Slot.ENTRY, leg.qty, leg=k, plan_id=found.plan.plan_id))
            self.fill(entry, price)
        return found

    def exits(self, found: PlanState, leg: int = 0, qty: int | None = None) -> tuple[Order, Order | None]:
        """The venue's own bracket legs of an entry, working: stop and target."""
        plan = found.plan
        done = found.legs[leg]
        price = done.entered_sum // done.entered
        qty = done.open_qty if qty is None else qty
        entry = done.slots[Slot.ENTRY]
        side = plan.side.opposite
        offsets = plan.legs[leg]
        known: Any = {"plan_id": plan.plan_id, "leg": leg, "instrument": CME_FUTURES[plan.instrument]}
        behind = price + offsets.stop_offset
        stop = self.adopted(qty, side, client_id=f"{entry}-SL", slot=Slot.STOP, stop=behind, **known)
        if offsets.target_offset is None:
            return stop, None
        ahead = price + offsets.target_offset
        target = self.adopted(qty, side, client_id=f"{entry}-TP", slot=Slot.TARGET, limit=ahead, **known)
        return stop, target


def _kind(limit: int | None, stop: int | None) -> OrderType:
    if stop is not None:
        return OrderType.STOP
    return OrderType.MARKET if limit is None else OrderType.LIMIT


def refolded(journal: list[r.AnyRecord]) -> State:
    """The state that a restart finds: the same records, read back from their bytes."""
    state = State()
    for record in journal:
        apply(state, r.decode(r.encode(record)))
    return state
