"""Bybit V5, a unified account: its perpetuals, or its spot market, and the twin that speaks both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from adapters.common.finding import Check
from engine.model.errors import FatalError
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import Account, Capabilities
from engine.ports import OpenVenue
from tstream.venues.kind import AccountCheck, At, VenueAsked, VenueKind
from tstream.venues.twin import WireTwin

if TYPE_CHECKING:
    from adapters.bybit.config import BybitConfig
    from adapters.simulator.twins.wire import TwinWire

_LINEAR, _SPOT = "linear", "spot"


def _perpetual(base: str, tick: str, lot: str, name: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USDT.P",
        root=f"{base}USDT",
        description=f"{name} perpetual",
        tick_size=Decimal(tick),
        tick_value_usd=Decimal(tick) * Decimal(lot),
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=InstrumentKind.PERPETUAL,
        lot_size=Decimal(lot),
        currency="USDT",
        base=base,
        calendar="always",
        maker_rate=Decimal("0.0002"),
        taker_rate=Decimal("0.00055"),
        least_notional=Decimal(5),
        margin_rate=Decimal("0.1"),
    )


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
        maker_rate=Decimal("0.001"),
        taker_rate=Decimal("0.001"),
        fee_in_base=True,
        shortable=False,
        least_notional=Decimal(5),
    )


def _by_symbol(*instruments: Instrument) -> Mapping[str, Instrument]:
    return {one.symbol: one for one in instruments}


PERPETUALS = _by_symbol(
    _perpetual("BTC", "0.1", "0.001", "Bitcoin"),
    _perpetual("ETH", "0.01", "0.01", "Ether"),
    _perpetual("SOL", "0.01", "0.1", "Solana"),
)
COINS = _by_symbol(
    _coin("BTC", "0.01", "0.000001", "Bitcoin"),
    _coin("ETH", "0.01", "0.00001", "Ether"),
    _coin("SOL", "0.01", "0.001", "Solana"),
)
"""Steps and fees of the lowest tier as far as they are known: where the venue says otherwise the adapter
stops and says so."""


def config_of(category: str, asked: VenueAsked) -> BybitConfig:
    """What the adapter wants to know. Raises FatalError for more books than the one account of a key."""
    from adapters.bybit.config import HOSTS, BybitCategory, BybitConfig, BybitHosts, BybitTiming

    if len(asked.books) > 1:
        raise FatalError(f"{asked.name}: a key of Bybit has one account, and {len(asked.books)} are named")
    hosts = HOSTS["demo" if asked.at is At.DEMO else "live"]
    if asked.api_url:
        streams = (asked.rtc_url or asked.api_url).rstrip("/").replace("http", "ws", 1)
        hosts = BybitHosts(
            asked.api_url, f"{streams}/v5/public", f"{streams}/v5/private", practice=asked.at is not At.LIVE
        )
    timing = BybitTiming()
    currencies = {one.currency for one in asked.instruments.values()}
    return BybitConfig(
        api_key=asked.login.key,
        api_secret=asked.login.secret,
        instruments=asked.instruments,
        category=BybitCategory(category),
        currency=min(currencies, default="USDT"),
        venue=asked.name,
        book=asked.books[0].book if asked.books else asked.name,
        hosts=hosts,
        speed=asked.speed,
        timing=replace(
            timing,
            window_ms=round(timing.window_ms * asked.speed),
            socket=timing.socket.retrying(asked.retry_s),
        ),
    )


def make(category: str, asked: VenueAsked) -> OpenVenue:
    """Raises FatalError."""
    from adapters.bybit.venue import BybitVenue

    return BybitVenue(config_of(category, asked), asked.clock)


async def probe(category: str, asked: VenueAsked, about: AccountCheck) -> Sequence[Check]:
    from adapters.bybit.probe import probe as look

    try:
        config = config_of(category, asked)
    except FatalError as error:
        return [Check("account", False, str(error), "name one account, or none")]
    return await look(config, asked.clock, about)


async def accounts(category: str, asked: VenueAsked) -> Sequence[Account]:
    """The one of the key. Raises PortError."""
    from adapters.bybit.venue import BybitVenue

    venue = BybitVenue(config_of(category, asked), asked.clock)
    try:
        return [await venue.account()]
    finally:
        await venue.close()


def _wire() -> type[TwinWire]:
    from adapters.simulator.wire.bybit.wire import BybitWire

    return BybitWire


BYBIT = VenueKind(
    name="bybit",
    about="Bybit perpetuals",
    make=partial(make, _LINEAR),
    probe=partial(probe, _LINEAR),
    accounts=partial(accounts, _LINEAR),
    capabilities=Capabilities(native_brackets=False),
    markets=frozenset({InstrumentKind.PERPETUAL}),
    instruments=PERPETUALS,
    contracts=tuple(PERPETUALS),
    places=(At.PRACTICE, At.DEMO, At.LIVE),
    new_key=True,
    needs=("key", "secret"),
    may_say=("api_url", "rtc_url"),
    practice=WireTwin(_wire, PERPETUALS),
)
BYBIT_SPOT = replace(
    BYBIT,
    name="bybit-spot",
    about="Bybit spot",
    make=partial(make, _SPOT),
    probe=partial(probe, _SPOT),
    accounts=partial(accounts, _SPOT),
    capabilities=Capabilities(native_brackets=False, balances=True, paired_exits=False),
    markets=frozenset({InstrumentKind.SPOT}),
    instruments=COINS,
    contracts=tuple(COINS),
    practice=WireTwin(_wire, COINS),
)
