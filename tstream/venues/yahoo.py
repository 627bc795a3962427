"""Yahoo, which has prices alone, and its twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.common.finding import Check
from engine.model.instrument import Instrument, InstrumentKind
from engine.ports import OpenVenue
from tstream.venues.kind import AccountCheck, At, VenueAsked, VenueKind
from tstream.venues.twin import WireTwin

if TYPE_CHECKING:
    from adapters.simulator.twins.wire import TwinWire
    from adapters.yahoo.config import YahooConfig


def _coin(base: str, tick: str, lot: str, name: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USD",
        root=f"{base}-USD",
        description=f"{name} in USD",
        tick_size=Decimal(tick),
        tick_value_usd=Decimal(tick) * Decimal(lot),
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=InstrumentKind.SPOT,
        lot_size=Decimal(lot),
        base=base,
        calendar="always",
        taker_rate=Decimal("0.001"),
        maker_rate=Decimal("0.001"),
        shortable=False,
    )


INSTRUMENTS: Mapping[str, Instrument] = {
    one.symbol: one
    for one in (
        _coin("BTC", "0.01", "0.0001", "Bitcoin"),
        _coin("ETH", "0.01", "0.001", "Ether"),
        _coin("SOL", "0.01", "0.01", "Solana"),
    )
}
"""Beside the futures, which are priced by their front month ("MNQ=F")."""


def config_of(asked: VenueAsked) -> YahooConfig:
    """What the adapter wants to know. The `root` of an instrument that is no future is Yahoo's name of it."""
    from adapters.yahoo.config import HOSTS, Polling, YahooConfig

    names = {
        symbol: one.root
        for symbol, one in asked.instruments.items()
        if one.kind is not InstrumentKind.FUTURE and one.root and one.root != symbol
    }
    hosts = (asked.api_url,) if asked.api_url else HOSTS
    usual = Polling()
    polling = replace(usual, every_s=usual.every_s / asked.speed, apart_s=usual.apart_s / asked.speed)
    config = YahooConfig(
        instruments=asked.instruments, symbols=names, venue=asked.name, hosts=hosts, polling=polling
    )
    if not asked.api_url:
        return config
    return replace(config, cookie_url=f"{asked.api_url}/")


def make(asked: VenueAsked) -> OpenVenue:
    from adapters.yahoo.venue import YahooVenue

    return YahooVenue(config_of(asked), asked.clock)


async def probe(asked: VenueAsked, _about: AccountCheck) -> Sequence[Check]:
    from adapters.yahoo.probe import probe as look

    return await look(config_of(asked), asked.clock)


def _wire() -> type[TwinWire]:
    from adapters.simulator.yahoo.wire import YahooWire

    return YahooWire


YAHOO = VenueKind(
    name="yahoo",
    about="Yahoo's prices, which come late",
    make=make,
    probe=probe,
    instruments=INSTRUMENTS,
    contracts=tuple(INSTRUMENTS),
    places=(At.PRACTICE, At.LIVE),
    practice=WireTwin(_wire, INSTRUMENTS),
)
