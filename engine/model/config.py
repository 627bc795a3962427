"""What the engine is told before it starts. Plain values: the front door turns settings into these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Struct
from msgspec.structs import replace

from engine.model.blackouts import Blackouts
from engine.model.decision import OpinionConfig
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.orders import Capabilities
from engine.model.rooms import AlertRoom
from engine.model.setting import restart
from engine.model.sizing import Sizing
from engine.model.watch import WatchLimits


class TradingSwitch(StrEnum):
    """What the engine may do with money. Off by default outside the practice venue."""

    OFF = "off"
    PAPER = "paper"
    LIVE = "live"


class Brackets(StrEnum):
    """Who keeps stops and targets: the venue with native brackets, or orders of our own."""

    AUTO = "auto"
    """Native, until the account refuses them once; that is remembered over restarts."""
    NATIVE = "native"
    """Native again: forgets at start what AUTO has remembered (the account's setting was switched back)."""
    OWN = "own"


LATEST_NS = 10 * NANOS


class PaperConfig(Struct, frozen=True):
    """How a paper book fills: the same ideas as the books beside it, play money, the engine's own venue."""

    balance_usd: Annotated[Decimal, restart(gt=0, le=100000000), "What it begins with, USD."] = Decimal(50000)
    latency_ns: Annotated[
        int,
        restart(key="latency_ms", unit=NANOS // 1000, ge=0, le=60000),
        "From placing an order to its being in the market, milliseconds.",
    ] = 50 * (NANOS // 1000)
    slippage_ticks: Annotated[
        int,
        restart(ge=0, le=100),
        "How much worse than the touch, or than a stop's price, a fill is, ticks.",
    ] = 1
    commission_usd: Annotated[
        Decimal | None,
        restart(ge=0, le=100),
        "Broker's commission per contract and side, USD. Without it each product's own; fees are counted "
        "in any case.",
    ] = None
    commission_percent: Annotated[
        Decimal | None,
        restart(ge=0, le=10),
        "Fee per side, per cent of what is traded, in place of each product's own fees and commission.",
    ] = None
    currency: Annotated[
        str,
        restart(allowed='a currency such as "USD" or "USDT"', default="that of the first contract"),
        "In which it counts; what is settled in another is not entered in it.",
    ] = ""
    always: bool = False
    """It plays whatever `trading` says: its orders leave no wire."""


class BookConfig(Struct, frozen=True):
    """One account at a broker, or a paper account inside the core: whatever is a book's own."""

    name: str = ""
    """Unique in the run; of a template empty."""
    venue: str = ""
    """Whose links it needs, by the venue's name; empty for the only one, and for paper."""
    risk: RiskLimits = RiskLimits()
    capabilities: Capabilities = Capabilities()
    """Of its broker."""
    brackets: Brackets = Brackets.AUTO
    copy_ratio: Decimal = Decimal(1)
    """What the sized quantity is multiplied by, before it is cut to whole lots; 0: it never enters."""
    sizing: Sizing | None = None
    """How large its trades are, where a bot or room does not say it; None: by risk, alerts by grade."""
    paper: PaperConfig | None = None
    """Filled inside the core; None for an account at a venue."""
    bots: tuple[str, ...] = ()
    """Whose ideas are entered here, by the names of bots and alert rooms; empty: everybody's. Those of a
    person are in any case.
    """
    calendar: str = ""
    """By which its days go (docs/semantics.md#sessions-and-trade-dates); empty: that of what it trades."""

    def takes(self, owner: str) -> bool:
        """Whether ideas of a bot or an alert room are entered here."""
        return not self.bots or owner in self.bots


class ArmedAccount(Struct, frozen=True):
    """An account that may be traded with money at stake: another venue's of the same name is another one."""

    venue: str
    name: str
    id: str = ""
    """The venue's number of it; empty where only the name was kept, and any number has it."""


class EngineConfig(Struct, frozen=True):
    """One engine run."""

    instruments: tuple[Instrument, ...]
    venue: str
    """As the status bar names it."""
    install: str
    """Names this installation in client ids, so that a lost database can't repeat one."""
    boot: int
    """Counts starts of this installation."""
    trading: TradingSwitch = TradingSwitch.OFF
    armed_accounts: tuple[ArmedAccount, ...] = ()
    """Live accounts that a person has armed by typing their names."""
    told_in: str = ""
    """Time zone of times that do not belong to one contract; empty: that of the futures' calendar where there
    are any, else of the first contract's."""
    practice_time: bool = False
    lost_records: int = 0
    """So many fewer has the journal than were written to it."""
    restored_ns: int = 0
    """When the backup was made, nanoseconds UTC, of which the journal is; 0 where it is none."""
    books: tuple[BookConfig, ...] = ()
    """Those that this run serves, known before their accounts are; ideas go to them in this order."""
    templates: tuple[BookConfig, ...] = (BookConfig(),)
    """By venue, for a book that is adopted under a name that is not configured; one without a venue holds for
    every one. Without one such a book is not served.
    """
    sources: Mapping[str, tuple[str, ...]] = {}
    """By instrument, the venues that price it, the preferred one first; without an entry any may."""
    rates: Mapping[str, Decimal] = {}
    """What one of a currency is worth where money of several is shown as one, USD: as a person has set it."""
    fills: str = "the venue's own"
    """How the venue fills orders, for summaries."""
    bar_ns: int = 0
    """Length of the bars that prints are made up from, nanoseconds; 0: they are real
    (docs/semantics.md#fill-model)."""
    whole_bars: bool = False
    """The market is told in closed bars, and nothing between (docs/semantics.md#fill-model)."""
    bar_grace_ns: int = NANOS
    """A minute closes this long after its end at the latest (docs/semantics.md#bars). On a socket never less
    than a second of real time."""
    latest_ns: int = LATEST_NS
    """An idea older than this is not traded: after a suspended machine many old minutes close at once."""
    bracket_grace_ns: int = 2 * NANOS
    """A filled entry whose protection is not seen by then gets a stop of our own."""
    unknown_checks: int = 3
    unknown_after_ns: int = 15 * NANOS
    """An order whose outcome is unknown counts as lost after so many checks over so long."""
    slow_cycle_ns: int = MINUTE
    """Positions and orders are compared with the venue this often."""
    unseen: bool = False
    """Nobody looks at it while it runs: there are no notices, and only timeframes of its bots are folded."""
    notes_ns: int = 0
    """Equity and excursions of what is open are written down no oftener than so; 0: as often as a restart
    needs them."""
    rooms: tuple[AlertRoom, ...] = ()
    """Alert rooms that are traded."""
    watch: WatchLimits = WatchLimits()
    """From where on people are told of risks."""
    blackouts: Blackouts = Blackouts()
    """Scheduled news around which nothing is entered."""
    chart_indicators: tuple[str, ...] = ()
    """What charts show over their bars: "ema 20"."""
    opinion: OpinionConfig = OpinionConfig()
    """Who is heard beside the rules, and how much that counts."""

    @property
    def expected(self) -> tuple[str, ...]:
        """Names of the books that wait for an account at a venue."""
        return tuple(book.name for book in self.books if book.paper is None)

    def book(self, name: str, venue: str = "") -> BookConfig | None:
        """How a book is configured that trades at a venue; None where nobody has said so."""
        for known in self.books:
            if known.name == name:
                return known
        for template in self.templates:
            if template.venue in ("", venue):
                return replace(template, name=name, venue=venue)
        return None

    def calendar(self, book: BookConfig) -> str:
        """By which the days of a book go: that of the first instrument of its venue, if it does not say."""
        if book.calendar:
            return book.calendar
        return next((i.calendar for i in self._traded_at(book.venue)), "cme")

    @property
    def currency(self) -> str:
        """That of the first contract."""
        return next((i.currency for i in self.instruments), "USD")

    def currency_at(self, venue: str) -> str:
        """In which a book counts whose account does not say: that of the first contract of its venue."""
        return next((i.currency for i in self._traded_at(venue)), "USD")

    def _traded_at(self, venue: str) -> Iterator[Instrument]:
        """The contracts of a venue, then all others."""
        yield from (i for i in self.instruments if venue in self.sources.get(i.symbol, (venue,)))
        yield from self.instruments

    @property
    def stale_ns(self) -> int:
        """Prices older than this are too old for at least one of the books, nanoseconds."""
        configs = self.books or self.templates or (BookConfig(),)
        return min(config.risk.stale_ns for config in configs)
