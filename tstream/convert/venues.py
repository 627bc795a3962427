"""From the settings of a venue to what its adapter wants to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.common.secret import Secret
from adapters.projectx.config import ProjectXConfig, RateLimits, WantedAccount
from engine.model.instrument import Instrument
from engine.model.symbols import priced_by
from tstream.convert.books import WantedBook, wanted_books
from tstream.settings.model import Settings


def projectx_config(
    settings: Settings, name: str, wanted: Sequence[WantedBook] | None = None
) -> ProjectXConfig:
    """The gateway of a venue of the settings; the practice venue's is `practice_config`'s. `wanted` are the
    books there; None takes those that the settings name.
    """
    venue = settings.venues[name]
    user, key = settings.login(name)
    config = ProjectXConfig(
        user_name=user,
        api_key=Secret(key.get_secret_value),
        instruments=_by_symbol(settings, name),
        **_accounts(settings, name, wanted),
    )
    if venue.kind == "topstepx":
        return config
    return _at(config, venue.api_url, venue.rtc_url)


def practice_config(
    settings: Settings,
    name: str,
    url: str,
    key: str,
    speed: float = 1.0,
    wanted: Sequence[WantedBook] | None = None,
) -> ProjectXConfig:
    """The built-in venue, once it listens at `url` ("http://127.0.0.1:5001"); `key` logs in.

    It counts its rate limits in practice time, which runs `speed` times faster than ours.
    """
    real = RateLimits()
    config = ProjectXConfig(
        user_name="practice",
        api_key=Secret(key),
        instruments=_by_symbol(settings, name),
        **_accounts(settings, name, wanted),
        limits=replace(real, period_s=real.period_s / speed, history_period_s=real.history_period_s / speed),
    )
    return _at(config, url, url)


def _accounts(settings: Settings, name: str, wanted: Sequence[WantedBook] | None) -> dict[str, Any]:
    books = wanted_books(settings, name) if wanted is None else wanted
    return {
        "venue": name,
        "accounts": tuple(WantedAccount(book=one.book, name=one.account or None) for one in books),
        "every_account": settings.venues[name].all_accounts is not None,
    }


def _at(config: ProjectXConfig, api_url: str, rtc_url: str) -> ProjectXConfig:
    return replace(
        config,
        api_url=api_url,
        user_hub_url=f"{rtc_url}/hubs/user",
        market_hub_url=f"{rtc_url}/hubs/market",
    )


def _by_symbol(settings: Settings, venue: str) -> Mapping[str, Instrument]:
    """What is traded there."""
    return {one.symbol: one for one in settings.instrument_table() if priced_by(one.symbol, (venue,))}
