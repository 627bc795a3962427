"""What one ProjectX venue is: its gateway, the login, the account and the products to trade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.common.secret import Secret
from engine.model.instrument import Instrument

SessionOpen = Callable[[int], bool]
"""Whether the market is believed open at a time (nanoseconds UTC)."""


def always_open(_ts: int) -> bool:
    """For venues without hours; a futures venue is given the session calendar instead."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Waits, in seconds of the real clock, whatever time the venue lives in."""

    connect_s: float = 5.0
    """Until a TCP and TLS connection stands."""
    read_s: float = 15.0
    """Until a query is answered."""
    act_s: float = 10.0
    """Until an entry is answered; then its outcome is unknown."""
    protect_s: float = 1.5
    """The same for what protects or closes: less than a position may be without protection."""
    handshake_s: float = 10.0
    """Until a hub has taken the SignalR handshake."""
    invoke_s: float = 10.0
    """Until a subscription is acknowledged."""
    first_message_s: float = 15.0
    """Until every market subscription has delivered its first message."""
    ping_s: float = 12.0
    """Between our pings; the hub drops a client that is silent for 30 s."""
    dead_s: float = 30.0
    """Without any record, pings included, a hub connection is dead."""
    untold_s: float = 1.5
    """A fill that a query has shown and the user hub has not told by then: the hub is taken for dead."""
    quote_silence_s: float = 30.0
    """Without any quote while the market is open, the feed is stale."""
    print_silence_s: float = 300.0
    """Without any print while the market is open, the feed is stale: prints can stop while quotes flow."""
    behind_s: float = 10.0
    """A trade shows twice, as a print and in a quote. Where one of them does not follow the other within
    this time, the subscription that should have brought it is lost."""
    watch_s: float = 1.0
    """Between two looks of the watchdog."""
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0
    renew_check_s: float = 20.0
    """Between two looks at the token's age, and between two tries to renew it."""
    refused_first_s: float = 20.0
    """After a refused login, until it is tried again; twice as long after each further refusal. What closes
    or protects, and what a person asks for, waits no longer than this."""
    refused_pause_s: float = 300.0
    """The longest of these pauses: asking on with a wrong key could lock the login."""
    tell_s: float = 5.0
    """Between two words on how much of the rate budget is used, where that has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The gateway's published limits, and how much of them we allow ourselves."""

    requests: int = 200
    period_s: float = 60.0
    history_requests: int = 50
    history_period_s: float = 30.0
    share: float = 0.8
    """Part of each limit that is used at all: other programs of the same login need some too."""
    reserve: float = 0.25
    """Part of our share that only cancels, closes and protective orders may use."""
    close_reserve: float = 0.05
    """The part of that which is for cancels and closes alone."""
    entry_reserve: float = 0.1
    """Part of our share that queries leave to entries."""
    query_most: float = 1 / 3
    """Part of our share that queries may take, but for those of a flatten."""
    entry_patience_s: float = 2.0
    """An entry that can't go out within this time is stale: it is not sent."""
    read_patience_s: float = 5.0
    """A question that can't go out within this time is asked anew by who wanted to know."""
    history_patience_s: float = 45.0
    urgent_patience_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastKnown:
    """The account of an earlier run, and contract ids by symbol: of the month held or active."""

    account_id: str
    account_name: str
    contracts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAccount:
    """An account of the login, and the book that trades on it."""

    book: str
    name: str | int | None = None
    """Its name or id. None, for a login with one wanted account, takes the only tradable practice account and
    never a live one."""
    last: LastKnown | None = None
    """What is closed and cancelled where the venue answers no question, if that account is the wanted one."""


MOST_ACCOUNTS = 20
"""Of one login: all of them share its rate limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectXConfig:
    """Settings of one venue. The defaults are TopStepX in production; there is no other gateway for practice
    accounts, so the URL says nothing about whether money is at stake: the account's name does.
    """

    user_name: str
    api_key: Secret
    instruments: Mapping[str, Instrument]
    """What to watch and trade, by symbol."""
    venue: str = "topstepx"
    """Its name in the settings and in every event."""
    accounts: tuple[WantedAccount, ...] = (WantedAccount(book="topstepx"),)
    """One broker each, at most MOST_ACCOUNTS."""
    every_account: bool = False
    """Whether `ProjectXVenue.find_accounts` adds all other accounts of the login that may trade."""
    left_out: frozenset[str] = frozenset()
    """Accounts, by name or number, that it never adds."""
    api_url: str = "https://api.topstepx.com"
    user_hub_url: str = "https://rtc.topstepx.com/hubs/user"
    market_hub_url: str = "https://rtc.topstepx.com/hubs/market"
    timing: Timing = field(default_factory=Timing)
    limits: RateLimits = field(default_factory=RateLimits)
