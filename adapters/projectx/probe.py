"""Checks a venue from the command line: one finding after another, each with its remedy."""

from __future__ import annotations

from collections.abc import Callable

from adapters.common.finding import Check
from adapters.projectx import mapping
from adapters.projectx.config import ProjectXConfig, WantedAccount
from adapters.projectx.transport import header_time
from adapters.projectx.venue import ProjectXVenue
from engine.model.errors import FatalError, PortError
from engine.model.market import NANOS
from engine.model.orders import Account
from engine.ports import Clock

MOST_SKEW_S = 5
"""Seconds by which the clocks may differ: token times and staleness allow for this much."""


AccountCheck = Callable[[Account], Check]
"""What the caller has to say about the account that was found."""


async def probe(config: ProjectXConfig, clock: Clock, about: AccountCheck | None = None) -> list[Check]:
    """Reach the venue, log in, find the accounts, resolve the contracts, compare the clocks. Places nothing.

    Ends at the first finding on which all others depend. Raises nothing.
    """
    venue = ProjectXVenue(config, clock)
    try:
        return await _checks(venue, about)
    finally:
        await venue.close()


async def _checks(venue: ProjectXVenue, about: AccountCheck | None) -> list[Check]:
    config = venue.config
    try:
        answer, date = await venue.ping()
    except PortError as error:
        return [Check("venue reachable", False, str(error), "check the network, and api_url if it is set")]
    found = [Check("venue reachable", True, f"{config.api_url} answers {answer}"), _skew(date, venue.clock())]
    try:
        await venue.session.token()
    except PortError as error:
        remedy = "check user name and API key" if isinstance(error, FatalError) else "try again later"
        return [*found, Check("login", False, str(error), remedy)]
    found.append(Check("login", True, f"logged in as {config.user_name}"))
    try:
        brokers = await venue.find_accounts()
    except PortError as error:
        return [*found, Check("account", False, str(error), "try again later")]
    if not brokers:
        found.append(Check("account", False, "no account of this login may trade", "see its platform"))
    for broker in brokers:
        found += await _account(venue, broker.wanted, about)
    found.append(await _contracts(venue))
    return found


async def _account(venue: ProjectXVenue, wanted: WantedAccount, about: AccountCheck | None) -> list[Check]:
    try:
        account = mapping.account(await venue.choose_account(wanted.name))
    except PortError as error:
        return [Check("account", False, str(error), "set accounts to names of this login")]
    more = [] if about is None else [about(account)]
    detail = f"{account.name}, {account.kind.upper()}, balance {account.balance_usd} USD"
    if not account.can_trade:
        locked = f"{detail}, may not trade"
        return [Check("account", False, locked, "the venue has locked it: see its platform"), *more]
    return [Check("account", True, detail), *more]


async def _contracts(venue: ProjectXVenue) -> Check:
    try:
        await venue.contracts.resolve()
    except PortError as error:
        return Check("contracts", False, str(error), "correct the instruments in the settings")
    names = (
        f"{event.instrument.symbol} is {event.name}"
        for event in venue.contracts.events(0, venue.config.venue)
    )
    return Check("contracts", True, ", ".join(names))


def _skew(date: str | None, now: int) -> Check:
    """The venue's Date header has whole seconds, so a difference below one says nothing."""
    if date is None:
        return Check("clock", True, "the venue does not tell its time")
    theirs = header_time(date)
    if theirs is None:
        return Check("clock", True, "the venue tells its time in a form we can't read")
    skew = (now - theirs) / NANOS
    detail = f"ours is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the venue's"
    if abs(skew) > MOST_SKEW_S:
        return Check("clock", False, detail, "set the machine's clock by NTP")
    return Check("clock", True, detail)
