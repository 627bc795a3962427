"""What one Binance spot login is: which Binance, its key, the symbols to trade, and how long to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from adapters.common.secret import LOOPBACK, Secret
from engine.model.errors import FatalError
from engine.model.instrument import Instrument
from engine.model.orders import AccountKind

_REMEDY = "take the addresses out of the settings, or set the environment that they belong to"


class Environment(StrEnum):
    """Which Binance: each has keys of its own, and those of another are refused."""

    LIVE = "live"
    TESTNET = "testnet"
    """Virtual funds, wiped about once a month."""
    DEMO = "demo"
    """Virtual funds at the prices of the live market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Where one Binance is (docs/protocols/binance_spot.md#hosts)."""

    rest: str
    """Base URL of the REST calls, without the path."""
    streams: str
    """Base URL of the market streams, without "/stream"."""
    socket_api: str
    """URL of the WebSocket API."""

    def all(self) -> tuple[str, ...]:
        return self.rest, self.streams, self.socket_api


HOSTS: Mapping[Environment, Hosts] = {
    Environment.LIVE: Hosts(
        rest="https://api.binance.com",
        streams="wss://stream.binance.com:9443",
        socket_api="wss://ws-api.binance.com:443/ws-api/v3",
    ),
    Environment.TESTNET: Hosts(
        rest="https://testnet.binance.vision",
        streams="wss://stream.testnet.binance.vision",
        socket_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
    ),
    Environment.DEMO: Hosts(
        rest="https://demo-api.binance.com",
        streams="wss://demo-stream.binance.com",
        socket_api="wss://demo-ws-api.binance.com/ws-api/v3",
    ),
}


def account_kind(environment: Environment, hosts: Hosts) -> AccountKind:
    """Play money where every address is known to have no other. Raises FatalError where the settings say
    play money and an address is of somewhere else.
    """
    if environment is Environment.LIVE:
        return AccountKind.LIVE
    known = {_host(url) for url in HOSTS[environment].all()} | LOOPBACK
    for url in hosts.all():
        if _host(url) not in known:
            raise FatalError(f"{_host(url)} is no address of Binance's {environment.value}: {_REMEDY}")
    return AccountKind.PRACTICE


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceTiming:
    """Waits, in seconds of the real clock, whatever time the venue lives in."""

    connect_s: float = 5.0
    read_s: float = 15.0
    """Until a query is answered."""
    act_s: float = 10.0
    """Until an entry is answered (the venue's own limit is 10 s); then its outcome is unknown."""
    protect_s: float = 2.0
    """The same for what protects or closes: less than a position may be without protection."""
    subscribe_s: float = 10.0
    """Until a subscription is acknowledged."""
    life_s: float = 23.5 * 3600
    """A connection lives 24 h at most: after so long another one takes over."""
    silence_s: float = 30.0
    """Without any record, the venue is asked whether there is nothing to tell."""
    untold_s: float = 1.5
    """A fill that a query has shown and the account's stream has not told by then: the stream is dead."""
    dead_s: float = 75.0
    """The venue pings every 20 s. Without any ping or record, a connection is dead."""
    watch_s: float = 1.0
    """Between two looks of the watchdog."""
    gap_s: float = 4.0
    """For so long prints wait for those that were missed before them."""
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0
    clock_s: float = 600.0
    """Between two looks at the venue's clock, and at what it says of its symbols."""
    tell_s: float = 5.0
    """Between two words on how much of the weight is used, where that has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimits:
    """Of one IP address, as published; the venue's own word, where it comes, counts instead."""

    weight: int = 6000
    period_s: float = 60.0
    share: float = 0.8
    """Part of it that is used at all: other programs of the same address need some too."""
    entry_share: float = 0.75
    """Part of our share that entries may take; the rest is for what closes and protects."""
    query_share: float = 0.65
    history_share: float = 0.4
    unnamed_s: tuple[float, ...] = (5.0, 15.0, 30.0)
    """How long a 429 is obeyed that names no time: the first, the second in a row, and all further ones."""
    entry_patience_s: float = 2.0
    """An entry that can't go out within this time is stale: it is not sent."""
    read_patience_s: float = 5.0
    history_patience_s: float = 45.0
    urgent_patience_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceConfig:
    """Settings of one login, which is one account."""

    api_key: Secret
    api_secret: Secret
    """Of an HMAC key the secret; of an Ed25519 key its private half, as PEM."""
    instruments: Mapping[str, Instrument]
    """What to watch and trade, by symbol; `root` is Binance's own name ("BTCUSDT")."""
    venue: str = "binance"
    """Its name in the settings and in every event."""
    book: str = "binance"
    environment: Environment = Environment.LIVE
    hosts: Hosts | None = None
    """Addresses other than those of the environment."""
    currency: str = ""
    """What the account counts in; empty takes what most of its symbols are quoted in."""
    stop_slip_ticks: int = 0
    """Where a symbol takes no stops at market, how far beyond its trigger a stop still sells; 0 takes one per
    cent of the price.
    """
    recv_window_ms: int = 5000
    timing: BinanceTiming = field(default_factory=BinanceTiming)
    limits: WeightLimits = field(default_factory=WeightLimits)

    @property
    def where(self) -> Hosts:
        return self.hosts or HOSTS[self.environment]

    @property
    def kind(self) -> AccountKind:
        """Raises FatalError where environment and addresses do not go together."""
        return account_kind(self.environment, self.where)

    @property
    def money(self) -> str:
        """The currency that the account counts in."""
        quoted = [instrument.currency for instrument in self.instruments.values()]
        return self.currency or max(sorted(set(quoted)), key=quoted.count, default="USDT")
