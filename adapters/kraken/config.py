"""What the Kraken Futures venue is: its addresses, the key, what to trade there, and how long is waited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from adapters.common.secret import Secret
from engine.model.instrument import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class KrakenTiming:
    """Waits, in seconds of the real clock, whatever time the venue lives in."""

    connect_s: float = 5.0
    """Until a socket stands."""
    read_s: float = 10.0
    """Until a query or a subscription is answered."""
    act_s: float = 10.0
    """Until an entry is answered; then its outcome is unknown."""
    protect_s: float = 1.5
    """The same for what protects or closes: less than a position may be without protection."""
    dead_s: float = 5.0
    """Without any frame a v2 connection is dead: a heartbeat comes each second."""
    v1_dead_s: float = 25.0
    """The same of v1, whose heartbeat comes every 10 s."""
    ping_s: float = 25.0
    """Between pings of the WebSocket protocol: v1 drops a client that is silent for 60 s."""
    quote_silence_s: float = 60.0
    """Without any change of any top of book, the feed is stale: heartbeats alone are no market."""
    watch_s: float = 1.0
    """Between two looks of the watchdog."""
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0
    token_use_s: float = 450.0
    """A token that is older is not used for a new connection: half of the 15 minutes that it is good for."""
    locked_out_s: float = 900.0
    """Nothing is asked for so long after `EGeneral:Temporary lockout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KrakenLimits:
    """How much we allow ourselves: what the Unified WebSocket allows is not published, so it is what the old
    interface did (docs/protocols/kraken.md#limits).
    """

    requests: int = 50
    """Orders, changes and cancels."""
    period_s: float = 10.0
    share: float = 0.8
    reserve: float = 0.4
    """Part of our share that entries leave to cancels, closes and protection."""
    entry_patience_s: float = 2.0
    """An entry that can't go out within this time is stale: it is not sent."""
    urgent_patience_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KrakenConfig:
    """Settings of the venue. The defaults are production; there is no other one (the demo ended in 2026)."""

    instruments: Mapping[str, Instrument]
    """What to watch and trade, by symbol; `root` is the venue's name or an alias of it ("BTCUSDT.P")."""
    api_key: Secret = field(default_factory=lambda: Secret(""))
    api_secret: Secret = field(default_factory=lambda: Secret(""))
    """Base64, as the venue shows it. Without key and secret the venue can be watched only."""
    venue: str = "kraken"
    """Its name in the settings and in every event."""
    book: str = "kraken"
    practice: bool = False
    """What answers is a loopback twin with play money. The venue itself has none: without this it is LIVE."""
    protocol: Literal["v2", "v1"] = "v2"
    """Of the market feed; "v1" ends on 1 March 2027."""
    public_url: str = "wss://uws.kraken.com/v2/public"
    private_url: str = "wss://uws.kraken.com/v2/private"
    api_url: str = "https://api.kraken.com"
    v1_url: str = "wss://futures.kraken.com/ws/v1"
    futures_url: str = "https://futures.kraken.com"
    """Of the charts (`/api/charts/v1`) and of v1's instruments."""
    timing: KrakenTiming = field(default_factory=KrakenTiming)
    limits: KrakenLimits = field(default_factory=KrakenLimits)
