"""From the settings to what the engine is told: limits and the strategy's measures, in its own units."""

from __future__ import annotations

from msgspec import structs

from engine.model.config import PaperConfig, RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.strategies.zones import ZoneReactionConfig
from tstream.settings.model import Settings


def risk_limits(settings: Settings) -> RiskLimits:
    """The user's own limits: times in nanoseconds, the score in tenths."""
    risk = settings.risk
    return RiskLimits(
        risk_per_trade_usd=risk.per_trade_usd,
        max_contracts=risk.max_contracts,
        max_open_trades=risk.max_open_trades,
        max_trades=risk.max_trades,
        max_losses_in_a_row=risk.max_losses_in_a_row,
        daily_loss_usd=risk.daily_loss_usd,
        account_preset=risk.account_preset,
        firm_daily_loss_usd=risk.firm_daily_loss_usd,
        max_loss_usd=risk.max_loss_usd,
        start_balance_usd=risk.start_balance_usd,
        high_balance_usd=risk.high_balance_usd,
        floor_fixed=risk.floor_fixed,
        max_minis=risk.max_minis,
        minis_by_profit=risk.minis_by_profit,
        warn_percent=risk.warn_percent,
        reduce_percent=risk.reduce_percent,
        act_percent=risk.act_percent,
        reward_to_risk_min=risk.reward_to_risk_min,
        min_score_tenths=_tenths(settings),
        slippage_ticks=risk.slippage_ticks,
        stale_ns=round(risk.stale_seconds * NANOS),
        no_entry_before_flat_ns=risk.no_entry_minutes * MINUTE,
        flatten_before_flat_ns=risk.flatten_minutes * MINUTE,
        must_be_flat=risk.must_be_flat,
        reduce_on_unknown_days=risk.reduce_on_unknown_days,
        expiry_days=risk.expiry_days,
        break_even_after_first_target=risk.break_even_after_first_target,
        break_even_offset_ticks=risk.break_even_offset_ticks,
        trail_ticks=risk.trail_ticks,
        trail_after_r=risk.trail_after_r,
        single_contract=risk.single_contract,
        foreign_positions=risk.foreign_positions,
        hours_start=risk.hours_start,
        hours_end=risk.hours_end,
        hours_zone=risk.hours_zone,
    )


def paper_config(settings: Settings) -> PaperConfig | None:
    """The paper book, if there is one. The user's limits hold for it by itself; what they say of a real
    account's past (its first balance, its highest, a fixed floor) is not about it.
    """
    if not settings.with_paper:
        return None
    paper = settings.paper
    return PaperConfig(
        balance_usd=paper.balance_usd,
        latency_ns=paper.latency_ms * (NANOS // 1000),
        slippage_ticks=paper.slippage_ticks,
        commission_usd=paper.commission_usd,
        risk=structs.replace(
            risk_limits(settings),
            start_balance_usd=paper.balance_usd,
            high_balance_usd=None,
            floor_fixed=False,
        ),
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
