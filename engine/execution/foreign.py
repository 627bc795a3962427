"""Contracts in a traded instrument that no trade of tstream opened: told, and not left naked.

Positions are netted, so a person's contracts and ours in one instrument are one position to the venue, and
nobody may be awake. The rule (`ForeignPositions`, by default `PROTECT`): whatever the position has beyond our
trades, and no stop at the venue covers, becomes a plan of its own with a stop: beside a trade of ours at that
trade's stop, alone where the day's loss limit would close it anyway. A person who trades by hand loses
nothing by that: their own stops count first, and the stop goes when they close. `LEAVE` keeps its hands off,
`FLATTEN` closes the instrument. In every case the instrument is REDUCING until a person resumes it.
"""

from __future__ import annotations

from decimal import Decimal

from engine.execution import stops
from engine.execution.context import BookContext
from engine.execution.inquiry import NEVER
from engine.execution.protection import Protection
from engine.model import records as r
from engine.model.instrument import Instrument
from engine.model.limits import ForeignPositions
from engine.model.market import NANOS, Side
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Fill, OrderType
from engine.model.plans import Leg, PlanStatus, TradePlan
from engine.model.restrictions import TradingState
from engine.portfolio.money import realized_usd
from engine.risk import presets
from engine.state import alarms
from engine.state.alarms import Alarm
from engine.state.position import Position
from engine.state.restrictions import tighten
from engine.state.state import scope

GRACE_NS = 2 * NANOS
"""What nobody explains for so long is taken as it is."""

STRATEGY = "external"


class ForeignContracts:
    """What others hold beside us in one book."""

    def __init__(self, context: BookContext, protection: Protection) -> None:
        self._book = context
        self._protection = protection
        self._excess: dict[str, tuple[int, int]] = {}
        """Instrument to contracts that no trade of ours explains, signed, and since when."""

    def restricted(self, instrument: str, reason: str) -> None:
        """Nothing is entered where somebody else trades, until a person says so."""
        standing = self._book.turn.state.restrictions.get(scope(self._book.book, instrument))
        if standing is not None and standing.state is TradingState.REDUCING and not standing.guard:
            return  # paused by a person, or by this, already
        tighten(self._book.turn, TradingState.REDUCING, reason, book=self._book.book, instrument=instrument)

    def traded(self, fill: Fill) -> None:
        """A fill of somebody else's order. The venue's own close in a flatten of ours is none."""
        if fill.instrument in self._book.state.flattening:
            return
        if self._book.turn.state.boot == 1 and fill.ts_venue < self._book.started_ts:
            return  # the past of an account that this journal has only just met: nobody trades beside us
        self._book.say(
            NoticeKind.RISK,
            Severity.CRITICAL,
            f"{fill.instrument}: somebody else {'bought' if fill.side is Side.BUY else 'sold'} "
            f"{self._book.quantity(fill.instrument, fill.qty)}; "
            "entries there are paused",
            fill.instrument,
            Alarm(alarms.paused(self._book.book, fill.instrument)),
        )
        self.restricted(fill.instrument, "somebody else trades it")

    def next_due(self) -> int:
        """When contracts will have waited long enough for somebody to explain them, nanoseconds UTC.

        What was looked at then is looked at again when something happens.
        """
        if not self._excess:
            return NEVER
        waits = (since + GRACE_NS for _, since in self._excess.values())
        return min((due for due in waits if due > self._book.now), default=NEVER)

    def tend(self, *, reconciled: bool) -> bool:
        """Act on contracts that have been unexplained for a while. True when a plan was made."""
        made = False
        for instrument, position in list(self._book.state.positions.items()):
            excess = self._beyond_ours(position)
            since = self._since(instrument, excess, reconciled)
            if since is None or self._book.now - since < GRACE_NS:
                continue
            match self._book.config.risk.foreign_positions:
                case ForeignPositions.LEAVE:
                    pass
                case ForeignPositions.FLATTEN:
                    self._protection.flatten_naked(instrument, "no trade of tstream opened it")
                case ForeignPositions.PROTECT:
                    made = self._protect(position, excess) or made
        return made

    def _beyond_ours(self, position: Position) -> int:
        """Signed contracts beyond those of our plans."""
        return position.qty - self._book.state.shares(position.instrument)

    def _since(self, instrument: str, excess: int, reconciled: bool) -> int | None:
        """Since when the same contracts have been unexplained; None while that is nobody's business."""
        position = self._book.state.position(instrument)
        settled = not excess or excess * position.qty < 0 or instrument in self._book.state.flattening
        if settled or not reconciled or self._book.config.risk.foreign_positions is ForeignPositions.LEAVE:
            self._excess.pop(instrument, None)
            return None
        before = self._excess.get(instrument)
        if before is None or before[0] != excess:
            before = self._excess[instrument] = excess, self._book.now
        return before[1]

    def _protect(self, position: Position, excess: int) -> bool:
        instrument = self._book.turn.state.instruments[position.instrument]
        side = Side.BUY if excess > 0 else Side.SELL
        covered = sum(
            order.open_qty
            for order in self._book.state.live_orders(position.instrument)
            if order.plan_id is None
            and order.type is OrderType.STOP
            and order.side is side.opposite
            and order.stands  # the leg of an entry that still waits protects nothing
        )
        naked = abs(excess) - covered
        if naked <= 0:
            return False
        entry = position.entry
        price = self._beside(position.instrument, side)
        if price is None:
            price = entry - side.sign * self._distance(instrument, abs(position.qty), entry)
        now = self._book.now
        plan = TradePlan(
            plan_id=f"{self._book.turn.state.boot}-x{now}-{position.instrument}",
            book=self._book.book,
            instrument=position.instrument,
            side=side,
            strategy=STRATEGY,
            legs=(Leg(naked, price - entry, None),),
            created_ts=now,
            reference=entry,
        )
        self._book.turn.commit(r.PositionFostered(ts=now, plan=plan, price=entry))
        self._excess.pop(position.instrument, None)
        return True

    def _beside(self, instrument: str, side: Side) -> int | None:
        """The nearest stop of our own trades on this side, ticks."""
        prices = [
            stops.present(self._book.state.orders, leg, done, side.sign)
            for found in self._book.state.plans.values()
            if found.plan.instrument == instrument
            and found.plan.side is side
            and found.plan.status is PlanStatus.OPEN
            for leg, done in zip(found.plan.legs, found.legs, strict=True)
            if done.open_qty > 0
        ]
        return side.sign * max(side.sign * price for price in prices) if prices else None

    def _distance(self, instrument: Instrument, qty: int, entry: int) -> int:
        """Ticks from entry at which the whole position has lost what the day's limit leaves, costs included;
        without a daily limit what a trade may lose.
        """
        limits = self._book.config.risk
        left = limits.risk_per_trade_usd
        daily_usd = presets.resolve(limits, self._book.state.account).daily_loss_usd
        if daily_usd:
            left = daily_usd + min(Decimal(0), realized_usd(self._book.state, self._book.turn.state))
        per_tick = instrument.tick_value_usd * qty
        nearest = self._book.config.capabilities.nearest_exit_ticks
        return max(nearest, int((left - instrument.cost(entry, qty)) // per_tick))
