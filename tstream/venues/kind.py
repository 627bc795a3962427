"""What tstream knows of a kind of venue. One value of `VenueKind` each; `known.py` finds them by name.

Light to import: what a kind's functions need of adapters they import when they are called.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from adapters.common.finding import Check
from adapters.common.secret import Secret
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import Account, Capabilities
from engine.ports import Clock, OpenVenue

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.simulator.process import Ready, VenueStart
    from tstream.options import RunOptions


class At(StrEnum):
    """Where a venue is reached."""

    PRACTICE = "practice"
    """The built-in one with play money, on loopback: for most kinds a twin that speaks the venue's wire."""
    DEMO = "demo"
    """The venue's own testnet or demo, whose accounts have play money."""
    LIVE = "live"


NO_SECRET = Secret("")


class Credentials(NamedTuple):
    """What logs in; empty where the kind needs none of it."""

    user: str = ""
    key: Secret = NO_SECRET
    secret: Secret = NO_SECRET
    passphrase: Secret = NO_SECRET


NO_CREDENTIALS = Credentials()


class LastAccount(NamedTuple):
    """What the journal knows of a book: its account, and ids of contracts, held or active, by symbol."""

    id: str
    name: str
    contracts: Mapping[str, str]


class AskedBook(NamedTuple):
    """A book, and whose account it is."""

    book: str
    account: str = ""
    """Name or number; empty for the only one that the login has."""
    last: LastAccount | None = None


def always_open(_ts: int) -> bool:
    """For venues without hours."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueAsked:
    """What an adapter is made from. Plain values: settings, twins and the journal are read already."""

    name: str
    """Of the venue in the settings, and in every event that it sends."""
    at: At
    instruments: Mapping[str, Instrument]
    """What is watched and traded there, by symbol."""
    clock: Clock
    login: Credentials = NO_CREDENTIALS
    books: Sequence[AskedBook] = ()
    """A broker each."""
    every_account: bool = False
    """Whether the other accounts of the login are found, too."""
    left_out: frozenset[str] = frozenset()
    """Accounts, by name or number, that are not to be found."""
    api_url: str = ""
    """Base of the venue, "http://127.0.0.1:5001" of a twin; empty where the adapter knows it by `at`."""
    rtc_url: str = ""
    """Base of its streams, where that is another."""
    speed: float = 1.0
    """How fast the venue's time runs: its rate limits count in that."""
    session_open: Callable[[int], bool] = always_open
    """Whether silence of its market would be a fault at a time of `clock`, nanoseconds UTC."""
    retry_s: float = 30.0
    """A lost connection is tried again after so long at the latest, real seconds."""


AccountCheck = Callable[[Account], Check]
"""What the caller has to say of an account that was found."""


class Listening(NamedTuple):
    """A practice venue that listens."""

    url: str
    login: Credentials
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateAsked:
    """A practice venue that is to serve alone, as the command line asks for it."""

    host: str
    port: int
    state: Path | None
    balance: float
    accounts: int
    daily_loss: float | None
    max_loss: float | None
    """USD, None is no limit."""
    beside: Ready | None
    """Another one on this machine, whose time it shares."""
    run: RunOptions
    """What is played, how fast, and with which faults."""


class Practice(Protocol):
    """The practice venue of a kind: in this process, as a child, or alone for other clients."""

    def open(self, accounts: int) -> AbstractAsyncContextManager[Listening]:
        """One that keeps nothing, in this process. Raises OSError."""

    def main(self, start: VenueStart) -> int:
        """Run in a process of its own as told, until the parent ends; the exit code."""

    def simulate(self, asked: SimulateAsked) -> int:
        """Serve alone until SIGINT or SIGTERM; the exit code. Raises CommandError, PortError."""

    def list_faults(self) -> str:
        """Its faults, for people."""

    def check_fault(self, text: str) -> None:
        """Raises ValueError (FaultError) for a fault that it has not."""


Make = Callable[[VenueAsked], OpenVenue]
Probe = Callable[[VenueAsked, AccountCheck], Awaitable[Sequence[Check]]]
Accounts = Callable[[VenueAsked], Awaitable[Sequence[Account]]]
ContractName = Callable[[OpenVenue, Instrument], Awaitable[str]]


async def _root(_venue: OpenVenue, instrument: Instrument) -> str:
    return instrument.root


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueKind:
    """One kind of venue, such as Binance spot."""

    name: str
    about: str
    """What it is, in words that follow its name: "Kraken Futures"."""
    make: Make
    """The adapter; nothing connects yet. Raises FatalError for what can't be worked with."""
    probe: Probe
    """For `tstream check`: one finding after another, with remedies. Places nothing, raises nothing."""
    accounts: Accounts | None = None
    """The accounts of the asked books, which are armed by name; None where there are prices only. Raises
    PortError."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    """Of its brokers."""
    markets: frozenset[InstrumentKind] = frozenset(InstrumentKind)
    """What it lists."""
    calendars: frozenset[str] = frozenset()
    """Whose hours these markets have; empty: any (a future of coins is none of CME's)."""
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    """Terms that tstream knows by itself, by symbol; a person's [instruments] come before them."""
    contracts: tuple[str, ...] = ()
    """What a run watches whose settings name no contracts; empty: the usual futures."""
    places: tuple[At, ...] = (At.PRACTICE, At.LIVE)
    unasked: At = At.PRACTICE
    """Where it is without `at` and without what makes it live."""
    live_by: tuple[str, ...] = ("key",)
    """Keys of its settings of which one makes it live, where they do not say `at`."""
    needs: tuple[str, ...] = ()
    """Which of user, key, secret and passphrase a login has."""
    urls: tuple[str, ...] = ()
    """Which of api_url and rtc_url have to be said; others may not be."""
    may_say: tuple[str, ...] = ()
    """Which of them may be said."""
    several_accounts: bool = False
    """Whether a login has several accounts, of which the settings choose."""
    new_key: bool = False
    """Whether its key can be exchanged while a run goes on: the account is known apart from it."""
    shared_login: bool = False
    """Whether a venue without a login of its own has that of TSTREAM_PROJECTX_USER and _KEY."""
    contract_name: ContractName = _root
    """What the venue calls an instrument's active contract. Raises PortError."""
    practice: Practice | None = None
    """Its practice venue; needed where PRACTICE is one of the places."""

    def lists(self, instrument: Instrument) -> bool:
        """Whether it has markets such as an instrument's."""
        return instrument.kind in self.markets and (
            not self.calendars or instrument.calendar in self.calendars
        )

    @property
    def prices_only(self) -> bool:
        """Whether nothing can be traded there."""
        return self.accounts is None
