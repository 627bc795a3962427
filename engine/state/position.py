"""Net position and profit of one instrument in one book, exact in integer ticks
(docs/semantics.md#profit-and-loss).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.market import Side

Ticks = Fraction | int
"""A number of ticks that may be broken; whole ones are plain numbers, as most are."""


class TradeSource(Struct, frozen=True):
    """What a trade came of, by its plan."""

    owner: str
    """Bot, room or strategy; "manual" of a person's."""
    setup: str
    """The pattern, or who or what else thought of it."""
    timeframe: str = ""
    score_tenths: int = 0
    reasons: tuple[str, ...] = ()


class Trade(Struct, frozen=True):
    """A closed cycle, flat to flat. Sums of price x quantity are in ticks."""

    instrument: str
    side: Side
    qty: int
    """Contracts opened in all."""
    entry_sum: int
    exit_sum: int
    gross_usd: Decimal
    costs_usd: Decimal
    opened_ts: int
    closed_ts: int
    reason: str
    mae_usd: Decimal = Decimal(0)
    """Worst open P&L between entry and flat, USD, zero or negative."""
    mfe_usd: Decimal = Decimal(0)
    risk_usd: Decimal | None = None
    """What all its contracts risked at their first stops, USD; None where some of them had none of ours."""
    plan_id: str = ""
    """The plan that opened it; empty where none of ours did."""
    slip_sum: int | None = None
    """By how many ticks its fills were worse than the prices that were asked for, each times its contracts;
    below zero where they were better. Market orders that only close ask for none.
    """
    source: TradeSource | None = None
    """None where no plan of ours opened it."""

    @property
    def key(self) -> str:
        """Names it among those of its book."""
        return trade_key(self.instrument, self.opened_ts)

    @property
    def net_usd(self) -> Decimal:
        return self.gross_usd - self.costs_usd

    @property
    def r(self) -> float | None:
        """Net result in units of what it risked; None where nobody knows that."""
        return float(self.net_usd / self.risk_usd) if self.risk_usd else None


class Closing(Struct, frozen=True):
    """Contracts that left a position."""

    net_usd: Decimal
    """Against the average entry (its own trade's, where several stand beside each other), less the costs of
    both sides as this fill's are, USD.
    """
    r: float | None
    """The same in units of what they risked at their first stop; None where no plan of ours held them."""


class Position(Struct):
    """Signed quantity and the money of the running cycle. Changes by `apply` only."""

    instrument: str
    qty: int = 0
    open_sum: int = 0
    """Sum of price x quantity over the adds of the running cycle, ticks."""
    open_qty: int = 0
    """Contracts added in the running cycle."""
    exit_sum: int = 0
    exit_qty: int = 0
    costs_usd: Decimal = Decimal(0)
    opened_ts: int = 0
    mae_usd: Decimal = Decimal(0)
    """Worst open P&L of the running cycle that is written down, USD."""
    mfe_usd: Decimal = Decimal(0)
    risk_sum: int | None = 0
    """Sum of distance to the first stop x quantity over the adds of the running cycle, ticks; None where some
    had no stop of ours.
    """
    plan_id: str = ""
    """The plan that opened the running cycle."""
    slip_sum: int = 0
    """As of `Trade`, of the running cycle."""

    @property
    def side(self) -> Side:
        return Side.BUY if self.qty >= 0 else Side.SELL

    @property
    def average(self) -> Ticks:
        """Average entry of the open side in ticks; reductions leave it as it is."""
        whole, rest = divmod(self.open_sum, self.open_qty) if self.open_qty else (0, 0)
        return Fraction(self.open_sum, self.open_qty) if rest else whole

    @property
    def entry(self) -> int:
        """The average entry of what is open, to the nearest tick; 0 when flat."""
        return nearest_tick(self.open_sum, self.open_qty) if self.open_qty else 0

    def realized_ticks(self) -> Ticks:
        """Gross ticks x contracts already taken out of the running cycle."""
        if not self.exit_qty:
            return 0
        return (self.exit_sum - self.average * self.exit_qty) * self.side.sign

    def open_ticks(self, mark: int) -> Ticks:
        """Unrealized gross ticks x contracts at a mark."""
        return (mark - self.average) * self.qty

    def apply(
        self,
        instrument: Instrument,
        side: Side,
        price: int,
        qty: int,
        cost_usd: Decimal,
        ts: int,
        reason: str,
        plan_id: str = "",
        risk_ticks: int | None = None,
    ) -> Trade | None:
        """Take one fill in; the finished trade if it brought the position to flat or through it.

        A fill through zero ends one cycle and opens the next with the rest and its share of the costs.
        `risk_ticks` is from the fill to its first stop; None of one that no plan of ours asked for.
        """
        if self.qty == 0 or self.side is side:
            self._add(side, price, qty, cost_usd, ts, plan_id, risk_ticks)
            return None
        closing = min(qty, abs(self.qty))
        here = usd(instrument, self.open_ticks(price))
        self.mae_usd, self.mfe_usd = min(self.mae_usd, here), max(self.mfe_usd, here)
        share = cost_usd if closing == qty else (cost_usd * closing / qty).quantize(Decimal("0.000001"))
        self.exit_sum += price * closing
        self.exit_qty += closing
        self.costs_usd += share
        self.qty += side.sign * closing
        if self.qty:
            return None
        trade = self._finish(instrument, side.opposite, ts, reason)
        if qty > closing:
            self._add(side, price, qty - closing, cost_usd - share, ts, plan_id, risk_ticks)
        return trade

    def _add(
        self,
        side: Side,
        price: int,
        qty: int,
        cost_usd: Decimal,
        ts: int,
        plan_id: str,
        risk_ticks: int | None,
    ) -> None:
        if self.qty == 0:
            self.opened_ts, self.plan_id = ts, plan_id
        if risk_ticks is None or self.risk_sum is None:
            self.risk_sum = None
        else:
            self.risk_sum += risk_ticks * qty
        self.qty += side.sign * qty
        self.open_sum += price * qty
        self.open_qty += qty
        self.costs_usd += cost_usd

    def _finish(self, instrument: Instrument, side: Side, ts: int, reason: str) -> Trade:
        gross_ticks = (self.exit_sum - self.open_sum) * side.sign
        trade = Trade(
            self.instrument,
            side,
            self.open_qty,
            self.open_sum,
            self.exit_sum,
            instrument.usd(gross_ticks),
            self.costs_usd,
            self.opened_ts,
            ts,
            reason,
            self.mae_usd,
            self.mfe_usd,
            None if self.risk_sum is None else instrument.usd(self.risk_sum),
            self.plan_id,
            self.slip_sum,
        )
        self.risk_sum, self.plan_id, self.slip_sum = 0, "", 0
        self.mae_usd = self.mfe_usd = Decimal(0)
        self.open_sum = self.open_qty = self.exit_sum = self.exit_qty = 0
        self.costs_usd = Decimal(0)
        return trade


def trade_key(instrument: str, opened_ts: int) -> str:
    """Names a trade among those of its book, from its first fill on."""
    return f"{instrument}@{opened_ts}"


def nearest_tick(total: int, contracts: int) -> int:
    """An average in whole ticks, halves up: the one rounding that averages have."""
    return (2 * total + contracts) // (2 * contracts)


def usd(instrument: Instrument, ticks: Ticks) -> Decimal:
    """USD of a rational number of ticks, to the last digit of money; exact when the ticks are whole."""
    if ticks.denominator == 1:
        return instrument.usd(ticks.numerator)
    return (instrument.tick_value_usd * ticks.numerator / ticks.denominator).quantize(instrument.cent)
