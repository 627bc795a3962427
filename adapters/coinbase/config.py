"""What one Coinbase venue is: addresses, the key, and the products to trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.common.json_link import SocketTiming
from adapters.common.secret import Secret
from engine.model.errors import FatalError
from engine.model.instrument import Instrument, InstrumentKind


@dataclass(frozen=True, slots=True)
class CoinbaseHosts:
    api_url: str = "https://api.coinbase.com"
    market_url: str = "wss://advanced-trade-ws.coinbase.com"
    user_url: str = "wss://advanced-trade-ws-user.coinbase.com"
    practice: bool = False
    """Play money: a twin on this machine. The venue's own sandbox gives fixed answers, and is not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinbaseTiming:
    """Seconds of the real clock."""

    connect_s: float = 5.0
    read_s: float = 10.0
    """Until a question is answered."""
    act_s: float = 10.0
    """Until an entry is answered; then its outcome is unknown."""
    protect_s: float = 2.0
    """The same for what protects or closes."""
    settle_s: float = 5.0
    """An order that was taken is in the venue's lists by then, and a fill that was told of too."""
    fills_s: float = 0.3
    """Between two looks for the fills that the stream has told of by their sum."""
    socket: SocketTiming = field(default_factory=lambda: SocketTiming(dead_s=10.0))
    """The venue's heartbeats come each second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinbaseConfig:
    key_name: Secret
    """organizations/…/apiKeys/…"""
    private_key: Secret
    """PEM of an EC key, or an Ed25519 key as PEM or base64."""
    instruments: Mapping[str, Instrument]
    """What to watch and trade, by symbol; `root` is the product id ("BTC-USD")."""
    currency: str = "USD"
    """What everything is paid with. USD and USDC are two wallets."""
    venue: str = "coinbase"
    book: str = "coinbase"
    hosts: CoinbaseHosts = CoinbaseHosts()
    stop_slack: Decimal = Decimal("0.05")
    """The venue has no stops at market: a stop is a limit so far beyond its price, as a share of it."""
    timing: CoinbaseTiming = field(default_factory=CoinbaseTiming)
    speed: float = 1.0
    """How fast the venue's time runs: its rate limits count in that."""

    def checked(self) -> CoinbaseConfig:
        """Raises FatalError for an instrument that does not belong here."""
        for one in self.instruments.values():
            if one.kind is not InstrumentKind.SPOT:
                raise FatalError(f"{one.symbol} is a {one.kind}, and {self.venue} trades spot only")
            if one.currency != self.currency:
                raise FatalError(
                    f"{one.symbol} is paid with {one.currency}, and {self.venue} with {self.currency}"
                )
        return self
