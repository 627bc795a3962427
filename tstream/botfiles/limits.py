"""Limits of the books that JSON bots trade in, as keys of [risk]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any

from engine.model.limits import RiskLimits
from tstream.botfiles.read import NamedBot

_CENT = Decimal("0.01")
_ACTS = Decimal("0.95")
"""A trade may risk at most so much of its bot's daily loss: there the limit acts."""
_NO_MORE = 1_000_000
"""Most that risk.max_contracts can say: a file says how large a trade is by position_size."""


def play_limits(one: NamedBot) -> dict[str, Any]:
    """The limits of a book of play money: the file says all that counts for it."""
    trading, risk = one.file.trading, one.file.risk_management
    daily = risk.max_daily_loss
    found: dict[str, Any] = {
        # A file says how large a trade is and where it ends: these only must not be in its way.
        "reward_to_risk_min": 0.1,
        "max_contracts": _NO_MORE,
        "per_trade_usd": one.file.broker.initial_balance if daily is None else _most(daily),
        "daily_loss_usd": "off" if daily is None else daily,
        "max_open_trades": trading.max_positions,
        "plans_per_contract": trading.max_positions,
        "break_even_after_first_target": False,
        "trail_ticks": "off",
    }
    if trading.max_drawdown_pct is not None:
        found["max_drawdown_percent"] = trading.max_drawdown_pct
    if trading.max_exposure is not None:
        found["max_exposure_percent"] = trading.max_exposure * 100
    if risk.max_daily_trades is not None:
        found["max_trades"] = risk.max_daily_trades
    return found


def strictest(bots: Sequence[NamedBot], venue: object, run: object) -> dict[str, Any]:
    """The limits of a real account that bots trade on: what the settings say of it, made stricter."""
    common = dict(run) if isinstance(run, Mapping) else {}
    own = dict(venue) if isinstance(venue, Mapping) else {}
    said = common | own
    for key, told in (
        ("daily_loss_usd", [one.file.risk_management.max_daily_loss for one in bots]),
        ("max_drawdown_percent", [one.file.trading.max_drawdown_pct for one in bots]),
        ("max_exposure_percent", [_percent(one.file.trading.max_exposure) for one in bots]),
    ):
        amounts = [one for one in told if one is not None]
        if isinstance(said.get(key), (int, float, Decimal)):
            amounts.append(Decimal(str(said[key])))
        if amounts:
            own[key] = min(amounts)
    daily = own.get("daily_loss_usd")
    each = Decimal(str(said.get("per_trade_usd", RiskLimits().risk_per_trade_usd)))
    if isinstance(daily, Decimal) and each >= daily:
        own["per_trade_usd"] = _most(daily)
    for key, value in (("reward_to_risk_min", 0.1), ("max_contracts", _NO_MORE)):
        if key not in said:
            own[key] = value
    return own


def _percent(share: Decimal | None) -> Decimal | None:
    return None if share is None else share * 100


def _most(daily_loss: Decimal) -> Decimal:
    return max((daily_loss * _ACTS).quantize(_CENT, ROUND_DOWN), min(_CENT, daily_loss / 2))
