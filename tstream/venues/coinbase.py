"""Coinbase Advanced Trade, spot of one portfolio, and its twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.common.finding import Check
from adapters.common.secret import Secret
from engine.model.errors import FatalError
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import Account, Capabilities
from engine.ports import OpenVenue
from tstream.venues.kind import AccountCheck, At, VenueAsked, VenueKind
from tstream.venues.twin import WireTwin

if TYPE_CHECKING:
    from adapters.coinbase.config import CoinbaseConfig
    from adapters.simulator.twins.wire import TwinWire


def _coin(base: str, tick: str, lot: str, name: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USD",
        root=f"{base}-USD",
        description=f"{name} for USD",
        tick_size=Decimal(tick),
        tick_value_usd=Decimal(tick) * Decimal(lot),
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=InstrumentKind.SPOT,
        lot_size=Decimal(lot),
        base=base,
        calendar="always",
        maker_rate=Decimal("0.006"),
        taker_rate=Decimal("0.012"),
        shortable=False,
        least_notional=Decimal(1),
    )


INSTRUMENTS: Mapping[str, Instrument] = {
    one.symbol: one
    for one in (
        _coin("BTC", "0.01", "0.00000001", "Bitcoin"),
        _coin("ETH", "0.01", "0.00000001", "Ether"),
        _coin("SOL", "0.01", "0.00000001", "Solana"),
    )
}
"""Steps and fees of the lowest tier as far as they are known: where the venue says otherwise the adapter
stops and says so."""


def config_of(asked: VenueAsked) -> CoinbaseConfig:
    """What the adapter wants to know. Raises FatalError for more books than the one portfolio of a key."""
    from adapters.coinbase.config import CoinbaseConfig, CoinbaseHosts, CoinbaseTiming

    if len(asked.books) > 1:
        raise FatalError(
            f"{asked.name}: a key of Coinbase has one portfolio, and {len(asked.books)} accounts are named"
        )
    hosts, private = CoinbaseHosts(), asked.login.secret
    if asked.at is At.PRACTICE:
        from adapters.simulator.wire.coinbase.tokens import practice_key

        streams = asked.api_url.rstrip("/").replace("http", "ws", 1)
        hosts = CoinbaseHosts(asked.api_url, f"{streams}/market", f"{streams}/user", practice=True)
        private = Secret(practice_key(asked.login.secret.reveal()))
    timing = CoinbaseTiming()
    currencies = {one.currency for one in asked.instruments.values()}
    return CoinbaseConfig(
        key_name=asked.login.key,
        private_key=private,
        instruments=asked.instruments,
        currency=min(currencies, default="USD"),
        venue=asked.name,
        book=asked.books[0].book if asked.books else asked.name,
        hosts=hosts,
        speed=asked.speed,
        timing=replace(timing, socket=timing.socket.retrying(asked.retry_s)),
    )


def make(asked: VenueAsked) -> OpenVenue:
    """Raises FatalError, also for a key that can't be read."""
    from adapters.coinbase.venue import CoinbaseVenue

    return CoinbaseVenue(config_of(asked), asked.clock)


async def probe(asked: VenueAsked, about: AccountCheck) -> Sequence[Check]:
    from adapters.coinbase.probe import probe as look

    try:
        config = config_of(asked)
    except FatalError as error:
        return [Check("account", False, str(error), "name one account, or none")]
    return await look(config, asked.clock, about)


async def accounts(asked: VenueAsked) -> Sequence[Account]:
    """The one of the key. Raises PortError."""
    from adapters.coinbase.venue import CoinbaseVenue

    venue = CoinbaseVenue(config_of(asked), asked.clock)
    try:
        return [await venue.account()]
    finally:
        await venue.close()


def _wire() -> type[TwinWire]:
    from adapters.simulator.wire.coinbase.wire import CoinbaseWire

    return CoinbaseWire


COINBASE = VenueKind(
    name="coinbase",
    about="Coinbase Advanced Trade, spot",
    make=make,
    probe=probe,
    accounts=accounts,
    capabilities=Capabilities(native_brackets=False, balances=True, paired_exits=False, stops_move=False),
    markets=frozenset({InstrumentKind.SPOT}),
    instruments=INSTRUMENTS,
    contracts=tuple(INSTRUMENTS),
    needs=("key", "secret"),
    new_key=True,
    practice=WireTwin(_wire, INSTRUMENTS),
)
