"""Checks a Bybit venue from the command line: one finding after another, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable

from adapters.bybit import mapping
from adapters.bybit.config import BybitCategory, BybitConfig
from adapters.bybit.venue import BybitVenue
from adapters.common.finding import Check
from adapters.common.rate_budget import Priority
from engine.model.errors import FatalError, PortError
from engine.model.market import NANOS
from engine.model.orders import Account
from engine.ports import Clock

MOST_SKEW_S = 1
"""A request may be no more than a second ahead of the venue; we sign with its own time all the same."""

AccountCheck = Callable[[Account], Check]


async def probe(config: BybitConfig, clock: Clock, about: AccountCheck | None = None) -> list[Check]:
    """Reach the venue, use the key, look at the account and its modes, compare terms and clocks. Places
    nothing. Ends at the first finding on which all others depend. Raises nothing.
    """
    try:
        venue = BybitVenue(config, clock)
    except FatalError as error:
        return [Check("instruments", False, str(error), "correct the instruments in the settings")]
    try:
        return await _checks(venue, about)
    finally:
        await venue.close()


async def _checks(venue: BybitVenue, about: AccountCheck | None) -> list[Check]:
    config = venue.config
    try:
        await venue.rest.measure()
    except PortError as error:
        return [
            Check("venue reachable", False, str(error), "check the network, and the host in the settings")
        ]
    found = [Check("venue reachable", True, f"{config.hosts.api_url} answers"), _skew(venue)]
    try:
        account = await venue.account()
    except PortError as error:
        remedy = "check key, secret and host" if isinstance(error, FatalError) else "try again later"
        return [*found, Check("login", False, str(error), remedy)]
    found.append(Check("login", True, f"the key of {account.name}"))
    detail = f"{account.name}, {account.kind.upper()}, balance {account.balance_usd} {config.currency}"
    if account.can_trade:
        found.append(Check("account", True, detail))
    else:
        remedy = f"give the key the right to trade {config.category}, or watch only"
        found.append(Check("account", False, f"{detail}: the key may only read", remedy))
    if about is not None:
        found.append(about(account))
    try:
        await venue.resolve()
    except PortError as error:
        return [*found, Check("contracts", False, str(error), "correct the instruments in the settings")]
    found.append(_terms(venue))
    if config.category is BybitCategory.LINEAR:
        found.append(await _mode(venue))
    return found


def _terms(venue: BybitVenue) -> Check:
    paused = [f"{root} ({state})" for root in venue.products if (state := venue.paused(root))]
    if paused:
        return Check("contracts", False, f"not trading now: {', '.join(paused)}", "wait, or take them out")
    return Check("contracts", True, f"{', '.join(venue.products)} as in our table")


async def _mode(venue: BybitVenue) -> Check:
    try:
        for root in venue.products:
            for row in await venue.queries.positions(Priority.QUERY, root):
                if row.position_idx:
                    return Check("position mode", False, f"{root}: {mapping.HEDGE}", "set it to one-way")
    except PortError as error:
        return Check("position mode", False, str(error), "try again later")
    return Check("position mode", True, "one-way")


def _skew(venue: BybitVenue) -> Check:
    skew = -venue.rest.clock.ahead_ns / NANOS
    detail = f"ours is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the venue's"
    if abs(skew) > MOST_SKEW_S:
        return Check("clock", False, detail, "set the machine's clock by NTP")
    return Check("clock", True, detail)
