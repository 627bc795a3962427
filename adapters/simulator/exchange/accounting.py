"""The practice venue's own arithmetic of positions and money, apart from the engine's on purpose.

If both shared code, an error in it would agree with itself (docs/protocols/projectx.md#trades-and-money).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from adapters.simulator.exchange.codes import SideCode
from adapters.simulator.exchange.rows import PositionRow, TradeRow
from adapters.simulator.market.contracts import ContractMonth
from engine.model.market import Side
from engine.model.orders import Fill

_CENT = Decimal("0.01")


class BookedFill(NamedTuple):
    """What one fill did."""

    trade: TradeRow
    closed: PositionRow | None
    """The position that the fill ended, with quantity 0."""
    open: PositionRow | None
    """The position that stands after the fill."""


class Holdings:
    """Net positions and the balance: start + the sum over half-turns of (P&L - fees - commissions)."""

    def __init__(
        self, balance_usd: Decimal, next_position_id: int, positions: dict[str, PositionRow] | None = None
    ) -> None:
        self.balance_usd = balance_usd
        self.next_position_id = next_position_id
        self.positions = positions if positions is not None else {}
        """By symbol; flat ones are absent."""

    def apply(self, fill: Fill, contract: ContractMonth) -> BookedFill:
        """Book one execution."""
        instrument = contract.instrument
        signed = fill.qty * fill.side.sign
        position = self.positions.get(contract.venue_symbol)
        closing = 0
        if position is not None and position.qty * signed < 0:
            closing = min(abs(position.qty), fill.qty)
        pnl: Decimal | None = None
        closed: PositionRow | None = None
        if position is not None and closing:
            pnl = self._reduce(position, closing, fill.price, instrument.tick_value_usd)
            if not position.qty:
                closed = self.positions.pop(contract.venue_symbol)
                position = None
        opening = fill.qty - closing
        if opening:
            position = self._add(position, contract, opening * fill.side.sign, fill)
        trade = TradeRow(
            id=int(fill.trade_id),
            order_id=int(fill.venue_order_id),
            contract_id=contract.id,
            symbol=contract.venue_symbol,
            ts=fill.ts_venue,
            price=fill.price,
            side=SideCode.BUY if fill.side is Side.BUY else SideCode.SELL,
            size=fill.qty,
            pnl=pnl,
            fees=instrument.fee_usd * fill.qty,
            commissions=instrument.commission_usd * fill.qty,
        )
        self.balance_usd += trade.balance_change
        return BookedFill(trade, closed, position)

    def _add(
        self, position: PositionRow | None, contract: ContractMonth, signed: int, fill: Fill
    ) -> PositionRow:
        if position is None:
            position = PositionRow(
                self.next_position_id,
                contract.id,
                contract.venue_symbol,
                fill.ts_venue,
                signed,
                str(fill.price),
            )
            self.next_position_id += 1
            self.positions[contract.venue_symbol] = position
            return position
        total = position.average * abs(position.qty) + fill.price * abs(signed)
        position.qty += signed
        position.entry = str(total / abs(position.qty))
        return position

    def _reduce(self, position: PositionRow, closing: int, price: int, tick_usd: Decimal) -> Decimal:
        """Realize some contracts; whole cents, such that they add up exactly when the position is flat."""
        direction = 1 if position.qty > 0 else -1
        realized = Fraction(position.realized) + (price - position.average) * closing * direction
        position.qty -= closing * direction
        position.realized = str(realized)
        exact = Decimal(realized.numerator) * tick_usd / realized.denominator
        pnl = exact.quantize(_CENT) - position.booked
        position.booked += pnl
        return pnl
