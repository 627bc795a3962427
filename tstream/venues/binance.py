"""Binance spot, and its twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.common.finding import Check
from engine.model.errors import FatalError
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import Account, Capabilities
from engine.ports import OpenVenue
from tstream.venues.kind import AccountCheck, At, VenueAsked, VenueKind
from tstream.venues.twin import WireTwin

if TYPE_CHECKING:
    from adapters.binance.config import BinanceConfig, Environment, Hosts
    from adapters.simulator.twins.wire import TwinWire

_FEE = Decimal("0.001")
"""Of what is traded, maker and taker, without a discount: Binance's lowest tier, November 2026."""


_WINDOW_MS, _LONGEST_WINDOW_MS = 5_000, 60_000
"""How long a request may travel, in the venue's time."""


def _coin(base: str, tick: str, lot: str, name: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USDT",
        root=f"{base}USDT",
        description=f"{name} for USDT",
        tick_size=Decimal(tick),
        tick_value_usd=Decimal(tick) * Decimal(lot),
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=InstrumentKind.SPOT,
        lot_size=Decimal(lot),
        currency="USDT",
        base=base,
        calendar="always",
        maker_rate=_FEE,
        taker_rate=_FEE,
        fee_in_base=True,
        shortable=False,
        least_notional=Decimal(5),
    )


INSTRUMENTS: Mapping[str, Instrument] = {
    one.symbol: one
    for one in (
        _coin("BTC", "0.01", "0.00001", "Bitcoin"),
        _coin("ETH", "0.01", "0.0001", "Ether"),
        _coin("SOL", "0.01", "0.001", "Solana"),
    )
}
"""Terms as Binance lists them; what differs there is told by the adapter, and nothing is traded on it."""


def _where(asked: VenueAsked) -> tuple[Environment, Hosts | None]:
    """Which Binance, and its addresses where they are not the usual ones. Raises FatalError where `at` and
    the address do not go together.
    """
    from adapters.binance.config import HOSTS, Environment, Hosts

    environment = Environment.LIVE if asked.at is At.LIVE else Environment.TESTNET
    if not asked.api_url:
        return environment, None
    named = next((one for one, hosts in HOSTS.items() if hosts.rest == asked.api_url), None)
    if named is not None:
        if (named is Environment.LIVE) is not (asked.at is At.LIVE):
            raise FatalError(f"{asked.name}: {asked.api_url} is Binance's {named}, and at is {asked.at}")
        return named, None
    if asked.at is At.LIVE:
        return environment, replace(HOSTS[environment], rest=asked.api_url)
    streams = (asked.rtc_url or asked.api_url).replace("http", "ws", 1)
    return environment, Hosts(rest=asked.api_url, streams=streams, socket_api=f"{streams}/ws-api/v3")


def config_of(asked: VenueAsked) -> BinanceConfig:
    """What the adapter wants to know. Raises FatalError for more books than the one account of a login."""
    from adapters.binance.config import BinanceConfig, BinanceTiming, WeightLimits

    if len(asked.books) > 1:
        raise FatalError(f"{asked.name}: a key of Binance has one account, and {len(asked.books)} are named")
    limits = WeightLimits()
    environment, hosts = _where(asked)
    return BinanceConfig(
        api_key=asked.login.key,
        api_secret=asked.login.secret,
        instruments=asked.instruments,
        venue=asked.name,
        book=asked.books[0].book if asked.books else asked.name,
        environment=environment,
        hosts=hosts,
        recv_window_ms=min(_LONGEST_WINDOW_MS, round(_WINDOW_MS * asked.speed)),
        limits=replace(limits, period_s=limits.period_s / asked.speed),
        timing=BinanceTiming(backoff_cap_s=asked.retry_s, backoff_first_s=min(0.5, asked.retry_s)),
    )


def make(asked: VenueAsked) -> OpenVenue:
    from adapters.binance.venue import BinanceVenue

    return BinanceVenue(config_of(asked), asked.clock)


async def probe(asked: VenueAsked, about: AccountCheck) -> Sequence[Check]:
    from adapters.binance.probe import probe as look

    try:
        config = config_of(asked)
    except FatalError as error:
        return [Check("account", False, str(error), "name one account, or none")]
    return await look(config, asked.clock, about)


async def accounts(asked: VenueAsked) -> Sequence[Account]:
    """The one of the key. Raises PortError."""
    from adapters.binance.venue import BinanceVenue

    venue = BinanceVenue(config_of(asked), asked.clock)
    try:
        return [await venue.account()]
    finally:
        await venue.close()


def _wire() -> type[TwinWire]:
    from adapters.simulator.wire.binance.wire import BinanceWire

    return BinanceWire


BINANCE = VenueKind(
    name="binance",
    about="Binance spot",
    make=make,
    probe=probe,
    accounts=accounts,
    capabilities=Capabilities(balances=True, native_brackets=False),
    markets=frozenset({InstrumentKind.SPOT}),
    instruments=INSTRUMENTS,
    contracts=tuple(INSTRUMENTS),
    places=(At.PRACTICE, At.DEMO, At.LIVE),
    new_key=True,
    needs=("key", "secret"),
    may_say=("api_url",),
    practice=WireTwin(_wire, INSTRUMENTS),
)
