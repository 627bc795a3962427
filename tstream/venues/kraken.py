"""Kraken Futures: perpetuals by the Unified WebSocket, and the twin that speaks it."""

from __future__ import annotations

from collections.abc import Sequence
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
    from adapters.kraken.config import KrakenConfig
    from adapters.simulator.twins.wire import TwinWire


def _perpetual(symbol: str, root: str, coin: str, name: str, tick: str, lot: str) -> Instrument:
    price_step, size_step = Decimal(tick), Decimal(lot)
    return Instrument(
        symbol=symbol,
        root=root,
        description=f"{name} perpetual",
        tick_size=price_step,
        tick_value_usd=price_step * size_step,
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=InstrumentKind.PERPETUAL,
        lot_size=size_step,
        currency="USD",
        base=coin,
        calendar="always",
        maker_rate=Decimal("0.0002"),
        taker_rate=Decimal("0.0005"),
        margin_rate=Decimal("0.02"),
    )


INSTRUMENTS = {
    one.symbol: one
    for one in (
        _perpetual("BTCUSDT.P", "PF_XBTUSD", "BTC", "Bitcoin", "1", "0.0001"),
        _perpetual("ETHUSDT.P", "PF_ETHUSD", "ETH", "Ether", "0.1", "0.001"),
        _perpetual("SOLUSDT.P", "PF_SOLUSD", "SOL", "Solana", "0.01", "0.01"),
    )
}
"""Steps and fees of the lowest tier, as far as they are known; the venue stops where it says otherwise
(docs/protocols/kraken.md#symbols)."""


def config_of(asked: VenueAsked) -> KrakenConfig:
    """What the adapter wants to know. Raises FatalError for more than one account of a key."""
    from adapters.kraken.config import KrakenConfig, KrakenLimits, KrakenTiming

    if len(asked.books) > 1:
        raise FatalError(
            f"{asked.name}: a key of Kraken's has one account: give each book a venue of its own"
        )
    real = KrakenLimits()
    config = KrakenConfig(
        instruments=asked.instruments,
        api_key=asked.login.key,
        api_secret=asked.login.secret,
        venue=asked.name,
        book=asked.books[0].book if asked.books else asked.name,
        practice=asked.at is At.PRACTICE,
        limits=replace(real, period_s=real.period_s / asked.speed),
        timing=KrakenTiming(backoff_cap_s=asked.retry_s, backoff_first_s=min(0.5, asked.retry_s)),
    )
    if not asked.api_url:
        return config
    base = asked.api_url.rstrip("/")
    streams = base.replace("http", "ws", 1)
    return replace(
        config,
        public_url=f"{streams}/v2/public",
        private_url=f"{streams}/v2/private",
        api_url=base,
        v1_url=f"{streams}/ws/v1",
        futures_url=base,
    )


def make(asked: VenueAsked) -> OpenVenue:
    """The market, and with a key its account. Raises FatalError."""
    from adapters.kraken.venue import KrakenVenue

    return KrakenVenue(config_of(asked), asked.clock)


async def probe(asked: VenueAsked, about: AccountCheck) -> Sequence[Check]:
    from adapters.kraken.probe import probe as look

    return await look(config_of(asked), asked.clock, about)


async def accounts(asked: VenueAsked) -> Sequence[Account]:
    """The one of the key. Raises PortError."""
    from adapters.kraken.access import KrakenAccess
    from adapters.kraken.probe import account_of

    access = KrakenAccess(config_of(asked), asked.clock)
    try:
        return [await account_of(access)]
    finally:
        await access.close()


def _wire() -> type[TwinWire]:
    from adapters.simulator.wire.kraken.kraken_wire import KrakenWire

    return KrakenWire


KRAKEN = VenueKind(
    name="kraken",
    about="Kraken Futures",
    make=make,
    probe=probe,
    accounts=accounts,
    capabilities=Capabilities(native_brackets=False),
    markets=frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE}),
    calendars=frozenset({"always"}),
    instruments=INSTRUMENTS,
    contracts=tuple(INSTRUMENTS),
    needs=("key", "secret"),
    practice=WireTwin(_wire, INSTRUMENTS),
)
