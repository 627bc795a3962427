"""From the settings to what the engine is told: limits and the strategy's measures, in its own units."""

from __future__ import annotations

from msgspec import structs

from engine.model.config import BookConfig, PaperConfig
from engine.model.limits import RiskLimits
from engine.model.orders import Account
from engine.model.sizing import Sizing
from engine.strategies.zone_settings import ZoneReactionConfig
from tstream.settings.declared import filled
from tstream.settings.model import Settings
from tstream.settings.risk import AccountRisk, RiskSettings
from tstream.settings.sizing import sizing_of
from tstream.settings.venues import AccountSettings, PaperSettings, VenueSettings


def risk_limits(settings: Settings) -> RiskLimits:
    """The user's own limits."""
    return _limits(settings, settings.risk)


def _limits(settings: Settings, risk: RiskSettings) -> RiskLimits:
    least = settings.strategy.min_score
    return filled(RiskLimits, risk, **({} if least is None else {"min_score_tenths": round(least * 10)}))


def account_limits(settings: Settings, own: AccountRisk, venue: VenueSettings | None = None) -> RiskLimits:
    """The user's limits for one account: what it has of its own, or its venue has, in place of the others."""
    risk = settings.risk if venue is None else settings.risk.but(venue.risk)
    return _limits(settings, risk.but(own))


def limits_of(settings: Settings, venue: str, account: Account) -> RiskLimits:
    """The user's limits for an account that was found at a venue."""
    section = settings.venues[venue]
    named = next((one for one in section.accounts if one.name in (account.name, account.id)), None)
    own = named or section.all_accounts
    return account_limits(settings, AccountRisk() if own is None else own.risk, section)


def book_sizing(settings: Settings, own: AccountSettings | PaperSettings | None) -> Sizing | None:
    """How large the trades of a book are: as it says itself, or as the run does."""
    section = own.sizing if own is not None else None
    return sizing_of(section if section is not None else settings.sizing)


def paper_books(settings: Settings) -> tuple[BookConfig, ...]:
    """The paper books. The user's limits hold for them by themselves; what they say of a real account's past
    (its first balance, its highest, a fixed floor) is not about them.
    """
    own = tuple(_paper(settings, one) for one in settings.papers)
    if not settings.scan.enabled:
        return own
    from tstream.convert.scan import scan_book

    return (*own, scan_book(settings))


def _paper(settings: Settings, one: PaperSettings) -> BookConfig:
    own = structs.replace(
        account_limits(settings, one.risk),
        start_balance_usd=one.balance_usd,
        high_balance_usd=None,
        floor_fixed=False,
    )
    return BookConfig(
        one.name,
        risk=own,
        paper=filled(PaperConfig, one),
        sizing=book_sizing(settings, one),
        bots=one.bots,
        calendar=_calendar(settings, one),
    )


def _calendar(settings: Settings, one: PaperSettings) -> str:
    """By which the days of a paper book go: that of what its own bots trade, if it is one; empty leaves
    it to the run.
    """
    traded = {symbol for bot in settings.bots if bot.name in one.bots for symbol in bot.instruments}
    found = {known.calendar for known in settings.instrument_table() if known.symbol in traded}
    return found.pop() if len(found) == 1 else ""


def zone_reaction(settings: Settings) -> ZoneReactionConfig:
    """What the strategy "zones" asks of an idea."""
    return filled(ZoneReactionConfig, settings.strategy, min_reward_to_risk=settings.risk.reward_to_risk_min)
