"""What one Bybit venue is: hosts, the key, the category and the products to trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.common.json_link import SocketTiming
from adapters.common.secret import Secret
from engine.model.errors import FatalError
from engine.model.instrument import Instrument, InstrumentKind


class BybitCategory(StrEnum):
    """What is traded; the venue keeps them apart in nearly every call."""

    LINEAR = "linear"
    """Perpetuals that are settled in USDT or USDC."""
    SPOT = "spot"

    @property
    def kind(self) -> InstrumentKind:
        return InstrumentKind.PERPETUAL if self is BybitCategory.LINEAR else InstrumentKind.SPOT


@dataclass(frozen=True, slots=True)
class BybitHosts:
    """Where a world of Bybit is. Keys of one world are not known in another (code 10003)."""

    api_url: str
    public_url: str
    """Stream of the market, without the category at its end."""
    private_url: str
    practice: bool = False
    """Play money. A world that is not known to be one counts as live."""


LIVE = BybitHosts(
    "https://api.bybit.com", "wss://stream.bybit.com/v5/public", "wss://stream.bybit.com/v5/private"
)
TESTNET = BybitHosts(
    "https://api-testnet.bybit.com",
    "wss://stream-testnet.bybit.com/v5/public",
    "wss://stream-testnet.bybit.com/v5/private",
    practice=True,
)
DEMO = BybitHosts(
    "https://api-demo.bybit.com",
    "wss://stream.bybit.com/v5/public",
    "wss://stream-demo.bybit.com/v5/private",
    practice=True,
)
"""Play money on live prices."""
HOSTS: Mapping[str, BybitHosts] = {"live": LIVE, "testnet": TESTNET, "demo": DEMO}


@dataclass(frozen=True, slots=True, kw_only=True)
class BybitTiming:
    """Seconds of the real clock."""

    connect_s: float = 5.0
    read_s: float = 10.0
    """Until a question is answered."""
    act_s: float = 10.0
    """Until an entry is answered; then its outcome is unknown."""
    protect_s: float = 2.0
    """The same for what protects or closes."""
    settle_s: float = 5.0
    """An order that was taken is in the venue's lists by then."""
    untold_s: float = 3.0
    """A fill that a query has shown and the stream has not told by then: the stream is taken for dead."""
    quote_silence_s: float = 20.0
    """The top of a book is told again after 3 s without a change: without any it is stale."""
    window_ms: int = 5_000
    """How old a signed request may be when it arrives (X-BAPI-RECV-WINDOW)."""
    socket: SocketTiming = field(default_factory=SocketTiming)


@dataclass(frozen=True, slots=True, kw_only=True)
class BybitConfig:
    api_key: Secret
    api_secret: Secret
    instruments: Mapping[str, Instrument]
    """What to watch and trade, by symbol; `root` is the venue's name."""
    category: BybitCategory = BybitCategory.LINEAR
    currency: str = "USDT"
    """What everything is settled in and paid with."""
    venue: str = "bybit"
    book: str = "bybit"
    hosts: BybitHosts = LIVE
    timing: BybitTiming = field(default_factory=BybitTiming)
    speed: float = 1.0
    """How fast the venue's time runs: its rate limits count in that."""

    def checked(self) -> BybitConfig:
        """Raises FatalError for an instrument that does not belong here."""
        for one in self.instruments.values():
            if one.kind is not self.category.kind:
                raise FatalError(
                    f"{one.symbol} is a {one.kind}, and {self.venue} trades {self.category}: "
                    "take it out of this venue, or set its category"
                )
            if one.currency != self.currency:
                raise FatalError(
                    f"{one.symbol} is settled in {one.currency}, and {self.venue} in {self.currency}"
                )
        return self
