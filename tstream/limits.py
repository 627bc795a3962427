"""From the settings to what the engine is told: limits and the strategy's measures, in its own units."""

from __future__ import annotations

from engine.model.config import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.signals.zone_reaction import ZoneReactionConfig
from tstream.settings.model import Settings


def risk_limits(settings: Settings) -> RiskLimits:
    """The user's own limits: times in nanoseconds, the score in tenths."""
    risk = settings.risk
    return RiskLimits(
        risk_per_trade_usd=risk.per_trade_usd,
        max_contracts=risk.max_contracts,
        max_open_trades=risk.max_open_trades,
        max_trades=risk.max_trades,
        daily_loss_usd=risk.daily_loss_usd,
        reward_to_risk_min=risk.reward_to_risk_min,
        min_score_tenths=_tenths(settings),
        slippage_ticks=risk.slippage_ticks,
        stale_ns=round(risk.stale_seconds * NANOS),
        no_entry_before_flat_ns=risk.no_entry_minutes * MINUTE,
        flatten_before_flat_ns=risk.flatten_minutes * MINUTE,
        break_even_after_first_target=risk.break_even_after_first_target,
        hours_start=risk.hours_start,
        hours_end=risk.hours_end,
        hours_zone=risk.hours_zone,
    )


def zone_reaction(settings: Settings) -> ZoneReactionConfig:
    """What the strategy "zones" asks of an idea."""
    return ZoneReactionConfig(
        min_score_tenths=_tenths(settings),
        near_score_tenths=min(ZoneReactionConfig().near_score_tenths, _tenths(settings)),
        min_reward_to_risk=settings.risk.reward_to_risk_min,
        second_reward_to_risk=settings.strategy.second_target_r,
        cooldown_ns=settings.strategy.cooldown_minutes * MINUTE,
    )


def _tenths(settings: Settings) -> int:
    return round(settings.strategy.min_score * 10)
