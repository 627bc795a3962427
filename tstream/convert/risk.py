"""From the settings to what the engine is told: limits and the strategy's measures, in its own units."""

from __future__ import annotations

from msgspec import structs

from engine.model.config import PaperConfig
from engine.model.limits import RiskLimits
from engine.strategies.zones import ZoneReactionConfig
from tstream.settings.declared import filled
from tstream.settings.model import Settings


def risk_limits(settings: Settings) -> RiskLimits:
    """The user's own limits."""
    score = zone_reaction(settings).min_score_tenths
    return filled(RiskLimits, settings.risk, min_score_tenths=score)


def paper_config(settings: Settings) -> PaperConfig | None:
    """The paper book, if there is one. The user's limits hold for it by itself; what they say of a real
    account's past (its first balance, its highest, a fixed floor) is not about it.
    """
    if not settings.with_paper:
        return None
    own = structs.replace(
        risk_limits(settings),
        start_balance_usd=settings.paper.balance_usd,
        high_balance_usd=None,
        floor_fixed=False,
    )
    return filled(PaperConfig, settings.paper, risk=own)


def zone_reaction(settings: Settings) -> ZoneReactionConfig:
    """What the strategy "zones" asks of an idea."""
    zones = filled(ZoneReactionConfig, settings.strategy, min_reward_to_risk=settings.risk.reward_to_risk_min)
    return structs.replace(zones, near_score_tenths=min(zones.near_score_tenths, zones.min_score_tenths))
