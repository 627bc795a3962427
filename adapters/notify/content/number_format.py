"""Money, prices and shares as messages write them."""

from __future__ import annotations

from decimal import Decimal

from engine.model.market import Side
from engine.model.view import ContractView, View


def usd(amount: Decimal) -> str:
    """With its sign, as a result: "+123.40 USD"."""
    return f"{amount:+,.2f} USD"


def cost(amount: Decimal) -> str:
    """Without a sign, as an amount: "123.40 USD"."""
    return f"{amount:,.2f} USD"


def price(view: View, instrument: str, value: Decimal | None) -> str | None:
    """With the contract's decimals."""
    if value is None:
        return None
    known = contract(view, instrument)
    return f"{value:.{known.decimals}f}" if known is not None else f"{value.normalize():f}"


def contract(view: View, instrument: str) -> ContractView | None:
    return next((known for known in view.contracts if known.instrument == instrument), None)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def ratio(value: float | None) -> str | None:
    """ "1 : 2.0", reward for one of risk."""
    return None if value is None else f"1 : {value:.1f}"


def side(value: Side) -> str:
    return "LONG" if value is Side.BUY else "SHORT"


def arrow(value: Side) -> str:
    return "🟢" if value is Side.BUY else "🔴"


def risk_usd(view: View, instrument: str, qty: int, entry: Decimal, stop: Decimal | None) -> Decimal | None:
    """USD between an average entry and a stop for signed contracts; negative where the stop locks a gain."""
    known = contract(view, instrument)
    if known is None or stop is None:
        return None
    ticks = (entry - stop) / known.tick_size * (1 if qty > 0 else -1)
    return ticks * known.tick_value_usd * abs(qty)
