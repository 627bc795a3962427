"""The loss limits that the platform enforces and does not report
(docs/protocols/projectx.md#account-rules).
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from adapters.simulator.exchange.rows import PositionRow
from adapters.simulator.market.hours import session, trade_date
from engine.model.instrument import Instrument
from engine.venue.fill_model import LatestPrices


class LossLock(StrEnum):
    """How long an account is kept from trading by its limits."""

    NONE = ""
    DAY = "day"
    """Until the trading day ends at 17:00 Chicago time."""
    EVER = "ever"


class LossState(Struct):
    """What the limits are counted from. Kept between runs."""

    start_usd: Decimal
    """S: the balance that the account began with."""
    high_usd: Decimal
    """H: the highest balance at the end of a trading day, at least S."""
    opened_usd: Decimal
    """The balance with which the trading day began."""
    day_ends: int = 0
    """When the trading day ends, nanoseconds UTC; 0 before the first."""
    lock: LossLock = LossLock.NONE


class LossLimits:
    """The daily and the max loss limit of one account, USD; None is no limit."""

    def __init__(self, daily_usd: Decimal | None, max_usd: Decimal | None, state: LossState) -> None:
        self.state = state
        self._daily = daily_usd
        self._max = max_usd

    @property
    def floor_usd(self) -> Decimal | None:
        """The equity at which the account fails: min(S, S - D + max(0, H - S)), as it stands today."""
        if self._max is None:
            return None
        start = self.state.start_usd
        return min(start, start - self._max + max(Decimal(0), self.state.high_usd - start))

    def new_day(self, now: int, balance_usd: Decimal) -> bool:
        """Begin a new trading day if the old one is over; whether that ends a lock."""
        state = self.state
        if now < state.day_ends:
            return False
        state.day_ends = session(trade_date(now) + timedelta(days=1)).open
        state.high_usd = max(state.high_usd, balance_usd)
        state.opened_usd = balance_usd
        unlocked = state.lock is LossLock.DAY
        if unlocked:
            state.lock = LossLock.NONE
        return unlocked

    def breached(self, equity_usd: Decimal) -> bool:
        """Whether an equity breaks a limit that was not broken before; the account is locked then."""
        state, floor = self.state, self.floor_usd
        if state.lock is not LossLock.EVER and floor is not None and equity_usd <= floor:
            state.lock = LossLock.EVER
            return True
        if (
            state.lock is LossLock.NONE
            and self._daily is not None
            and equity_usd - state.opened_usd <= -self._daily
        ):
            state.lock = LossLock.DAY
            return True
        return False


def open_profit(position: PositionRow, instrument: Instrument, prices: LatestPrices) -> Decimal:
    """USD that closing a position would bring: longs at the bid, shorts at the ask; 0 without prices."""
    touch = prices.bid if position.qty > 0 else prices.ask
    price = touch if touch is not None else prices.last
    if price is None:
        return Decimal(0)
    ticks: Fraction = (price - position.average) * position.qty
    return Decimal(ticks.numerator) * instrument.tick_value_usd / ticks.denominator
