"""From the settings of a venue to what its adapter wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adapters.common.secret import Secret
from adapters.projectx.config import ProjectXConfig, RateLimits
from engine.model.instrument import Instrument
from tstream.settings.model import Settings
from tstream.settings.venues import VenueSettings


def projectx_config(settings: Settings, name: str) -> ProjectXConfig:
    """The gateway of a venue of the settings; the practice venue's is `practice_config`'s."""
    venue = settings.venues[name]
    user, key = settings.login(name)
    known = ProjectXConfig(
        user_name=user,
        api_key=Secret(key.get_secret_value),
        instruments=_by_symbol(settings),
        book=name,
        account=_account(venue),
    )
    if venue.kind == "topstepx":
        return known
    return _at(known, venue.api_url, venue.rtc_url)


def practice_config(settings: Settings, name: str, url: str, key: str, speed: float = 1.0) -> ProjectXConfig:
    """The built-in venue, once it listens at `url` ("http://127.0.0.1:5001"); `key` logs in.

    It counts its rate limits in practice time, which runs `speed` times faster than ours.
    """
    real = RateLimits()
    known = ProjectXConfig(
        user_name="practice",
        api_key=Secret(key),
        instruments=_by_symbol(settings),
        book=name,
        account=_account(settings.venues[name]),
        limits=replace(real, period_s=real.period_s / speed, history_period_s=real.history_period_s / speed),
    )
    return _at(known, url, url)


def _account(venue: VenueSettings) -> str | None:
    return venue.accounts[0].name if venue.accounts else None


def _at(config: ProjectXConfig, api_url: str, rtc_url: str) -> ProjectXConfig:
    return replace(
        config,
        api_url=api_url,
        user_hub_url=f"{rtc_url}/hubs/user",
        market_hub_url=f"{rtc_url}/hubs/market",
    )


def _by_symbol(settings: Settings) -> Mapping[str, Instrument]:
    return {instrument.symbol: instrument for instrument in settings.instrument_table()}
