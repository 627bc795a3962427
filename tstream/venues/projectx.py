"""Gateways that speak ProjectX: TopStepX, those of other firms, and the built-in practice venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.common.finding import Check
from engine.model.errors import PortError
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import Account, Capabilities
from engine.ports import OpenVenue
from tstream.venues.kind import AccountCheck, AskedBook, At, VenueAsked, VenueKind
from tstream.venues.projectx_practice import ProjectXPractice

if TYPE_CHECKING:
    from adapters.projectx.config import ProjectXConfig, WantedAccount

_LOGIN = ("user", "key")


def config_of(asked: VenueAsked) -> ProjectXConfig:
    """What the adapter wants to know. Without addresses they are those of TopStepX in production."""
    from adapters.projectx.config import ProjectXConfig, RateLimits, Timing

    real, speed = RateLimits(), asked.speed
    config = ProjectXConfig(
        user_name=asked.login.user,
        api_key=asked.login.key,
        instruments=asked.instruments,
        venue=asked.name,
        accounts=tuple(map(wanted_account, asked.books)),
        every_account=asked.every_account,
        left_out=asked.left_out,
        limits=replace(real, period_s=real.period_s / speed, history_period_s=real.history_period_s / speed),
        timing=Timing(backoff_cap_s=asked.retry_s, backoff_first_s=min(0.5, asked.retry_s)),
    )
    if not asked.api_url:
        return config
    streams = asked.rtc_url or asked.api_url
    return replace(
        config,
        api_url=asked.api_url,
        user_hub_url=f"{streams}/hubs/user",
        market_hub_url=f"{streams}/hubs/market",
    )


def wanted_account(book: AskedBook) -> WantedAccount:
    """The same as the adapter has it."""
    from adapters.projectx.config import LastKnown, WantedAccount

    last = book.last
    known = (
        None
        if last is None
        else LastKnown(account_id=last.id, account_name=last.name, contracts=last.contracts)
    )
    return WantedAccount(book=book.book, name=book.account or None, last=known)


def make(asked: VenueAsked) -> OpenVenue:
    """A login with its feed and brokers. Raises FatalError for accounts that can't be told apart."""
    from adapters.projectx.venue import ProjectXVenue

    return ProjectXVenue(config_of(asked), asked.clock, session_open=asked.session_open)


async def probe(asked: VenueAsked, about: AccountCheck) -> Sequence[Check]:
    from adapters.projectx.probe import probe as look

    return await look(config_of(asked), asked.clock, about)


async def accounts(asked: VenueAsked) -> Sequence[Account]:
    """Those of the asked books, and of the others of the login where all are wanted. Raises PortError."""
    from adapters.projectx import mapping
    from adapters.projectx.venue import ProjectXVenue

    venue = ProjectXVenue(config_of(asked), asked.clock)
    try:
        brokers = await venue.find_accounts()
        return [mapping.account(await venue.choose_account(broker.wanted.name)) for broker in brokers]
    finally:
        await venue.close()


async def contract_name(venue: OpenVenue, instrument: Instrument) -> str:
    """The contract month: "MNQZ6". Raises PortError."""
    from adapters.projectx.venue import ProjectXVenue

    assert isinstance(venue, ProjectXVenue)
    await venue.contracts.ensure()
    found = (one.name for one in venue.contracts.events(0, "") if one.instrument == instrument)
    name = next(found, None)
    if name is None:
        raise PortError(f"the venue lists no contract of {instrument.symbol}")
    return name


_ABOUT = VenueKind(
    name="projectx",
    about="another firm's ProjectX gateway",
    make=make,
    probe=probe,
    accounts=accounts,
    capabilities=Capabilities(nearest_exit_ticks=4, farthest_exit_ticks=1000),
    markets=frozenset({InstrumentKind.FUTURE}),
    calendars=frozenset({"cme"}),
    several_accounts=True,
    contract_name=contract_name,
)

PROJECTX = replace(
    _ABOUT,
    places=(At.LIVE,),
    unasked=At.LIVE,
    new_key=True,
    needs=_LOGIN,
    urls=("api_url", "rtc_url"),
    may_say=("api_url", "rtc_url"),
    shared_login=True,
)
TOPSTEPX = replace(PROJECTX, name="topstepx", about="TopStepX", urls=(), may_say=())
PRACTICE = replace(
    _ABOUT,
    name="practice",
    about="the built-in practice venue of futures",
    places=(At.PRACTICE,),
    practice=ProjectXPractice(),
)
