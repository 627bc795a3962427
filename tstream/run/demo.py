"""`--demo`: the venues of the settings, played: practice twins, or the testnet of one that is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from engine.model.config import TradingSwitch
from tstream.errors import Problem, UsageError
from tstream.settings.load import Add
from tstream.settings.model import Settings
from tstream.settings.venues import PRACTICE, VenueSettings
from tstream.venues import known
from tstream.venues.kind import At


def sections(wanted: Sequence[str]) -> Add:
    """Gives each venue that is named and may have a testnet a section, so that its login is read."""

    def add(table: dict[str, Any]) -> list[Problem]:
        for name in wanted:
            if known.is_known(name) and At.DEMO in known.kind(name).places:
                venues = table.setdefault("venues", {})
                if isinstance(venues, dict):
                    venues.setdefault(name, {})
        return []

    return add


def played(settings: Settings, wanted: Sequence[str]) -> Settings:
    """The settings with no venue at which money is. Orders are sent at twins; at a testnet as the settings
    say, or where they say nothing on practice accounts. Nothing of it goes to a database or to Redis.

    Raises UsageError for a venue that can't be played.
    """
    names = tuple(wanted) or tuple(settings.active)
    venues = {name: _played(settings, name, named=name in wanted) for name in names}
    unpublished = {
        "history": settings.history.model_copy(update={"url": SecretStr("")}),
        "redis": settings.redis.model_copy(update={"url": SecretStr("")}),
    }
    changed = {"venues": {**settings.venues, **venues}, **unpublished}
    found = settings.model_copy(update=changed).narrowed(names)
    if found.practice:
        return found.model_copy(update={"trading": TradingSwitch.LIVE})
    if "trading" not in settings.model_fields_set:
        return found.model_copy(update={"trading": TradingSwitch.PAPER})
    return found


def _played(settings: Settings, name: str, *, named: bool) -> VenueSettings:
    venue = settings.venues[name]
    about, login = venue.about, settings.login(name)
    if named and At.DEMO in about.places and all(login.has(one) for one in about.needs):
        return venue if venue.place is At.DEMO else venue.model_copy(update={**_CLEAR, "at": At.DEMO})
    empty = SecretStr("")
    twin = {**_CLEAR, "at": At.PRACTICE, "user": "", "key": empty, "secret": empty, "passphrase": empty}
    if At.PRACTICE in about.places:
        return venue.model_copy(update=twin)
    if about.shared_login:  # gateways whose wire the practice venue speaks
        return venue.model_copy(update={**twin, "kind": PRACTICE})
    raise UsageError(
        f"{name} has no practice venue to play on", "choose others with --venue, or take [paper] beside it"
    )


_CLEAR: dict[str, Any] = {"api_url": "", "rtc_url": "", "accounts": ()}
"""What is said of the real one, and of none that is played."""
