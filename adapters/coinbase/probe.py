"""Checks a Coinbase venue from the command line: one finding after another, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable

from adapters.coinbase.config import CoinbaseConfig
from adapters.coinbase.venue import CoinbaseVenue
from adapters.common.finding import Check
from engine.model.errors import FatalError, PortError
from engine.model.market import NANOS
from engine.model.orders import Account
from engine.ports import Clock

MOST_SKEW_S = 30
"""A token is good for two minutes; we sign with the venue's own time all the same."""

AccountCheck = Callable[[Account], Check]


async def probe(config: CoinbaseConfig, clock: Clock, about: AccountCheck | None = None) -> list[Check]:
    """Reach the venue, use the key, look at the portfolio, compare terms and clocks. Places nothing.

    Ends at the first finding on which all others depend. Raises nothing.
    """
    try:
        venue = CoinbaseVenue(config, clock)
    except FatalError as error:
        return [Check("settings", False, str(error), "correct the key or the instruments in the settings")]
    try:
        return await _checks(venue, about)
    finally:
        await venue.close()


async def _checks(venue: CoinbaseVenue, about: AccountCheck | None) -> list[Check]:
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
        remedy = "check the key's name and the key" if isinstance(error, FatalError) else "try again later"
        return [*found, Check("login", False, str(error), remedy)]
    found.append(Check("login", True, f"the key of {account.name}"))
    detail = f"{account.name}, {account.kind.upper()}, {account.balance_usd} {config.currency}"
    if account.can_trade:
        found.append(Check("account", True, detail))
    else:
        found.append(
            Check(
                "account", False, f"{detail}: the key may only read", "give it the right to trade, or watch"
            )
        )
    if about is not None:
        found.append(about(account))
    try:
        await venue.resolve()
    except PortError as error:
        return [*found, Check("contracts", False, str(error), "correct the instruments in the settings")]
    paused = [f"{root} ({state})" for root in venue.products if (state := venue.paused(root))]
    if paused:
        found.append(
            Check("contracts", False, f"no entries now: {', '.join(paused)}", "wait, or take them out")
        )
    else:
        found.append(Check("contracts", True, f"{', '.join(venue.products)} as in our table"))
    percent = (config.stop_slack * 100).normalize()
    found.append(
        Check("stops", True, f"limits {percent:f} % beyond their price: the venue has none at market")
    )
    return found


def _skew(venue: CoinbaseVenue) -> Check:
    skew = -venue.rest.clock.ahead_ns / NANOS
    detail = f"ours is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the venue's"
    if abs(skew) > MOST_SKEW_S:
        return Check("clock", False, detail, "set the machine's clock by NTP")
    return Check("clock", True, detail)
