"""The contract months that the practice venue lists (docs/protocols/projectx.md#contracts)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct, field, structs

from adapters.simulator.market.candles import Candles, FormingBar
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar

_CODES = "FGHJKMNQUVXZ"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_QUARTERS = (3, 6, 9, 12)
_EVEN = (2, 4, 6, 8, 10, 12)
_GOLD = frozenset(("GC", "MGC"))
_ROLL_DAYS = 8
"""Index futures roll this many days before the third Friday."""
_GOLD_ROLL_DAY = 25
"""Gold rolls on this day of the month before delivery, ahead of first notice."""


class ContractMonth(Struct, frozen=True):
    """One product in one delivery month."""

    instrument: Instrument
    year: int
    month: int
    active: bool = True
    """The front month, the one that trades."""
    key: str = ""
    """The venue symbol where it is not the symbol."""

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def venue_symbol(self) -> str:
        """The name under which the venue keeps this month's market, orders and position: the symbol for the
        month that is active at the start, symbol and month for the one after it."""
        return self.key or self.symbol

    @property
    def symbol_id(self) -> str:
        return f"F.US.{self.instrument.root}"

    @property
    def id(self) -> str:
        return f"CON.{self.symbol_id}.{self._code}{self.year % 100:02}"

    @property
    def name(self) -> str:
        """As people write it: "MNQZ6"."""
        return f"{self.symbol}{self._code}{self.year % 10}"

    @property
    def display_name(self) -> str:
        """As position rows call it: "MNQZ26"."""
        return f"{self.symbol}{self._code}{self.year % 100:02}"

    @property
    def description(self) -> str:
        return f"{self.instrument.description}: {_MONTHS[self.month - 1]} {self.year}"

    @property
    def _code(self) -> str:
        return _CODES[self.month - 1]


class Listing:
    """All contracts of a venue, front months and expired ones, by id."""

    def __init__(self, contracts: Iterable[ContractMonth], following: Iterable[ContractMonth] = ()) -> None:
        """`following` are the months after the front, which are not shown before a roll."""
        self.by_id = {contract.id: contract for contract in contracts}
        self.front = {c.symbol: c for c in self.by_id.values() if c.active}
        self.following = {c.symbol: c for c in following}
        self.by_venue_symbol = self.front | {c.venue_symbol: c for c in self.following.values()}
        """Every month that orders may stand in."""

    def roll(self, symbol: str) -> ContractMonth:
        """Make the next month the active one; the old one trades on for whoever has a position in it.

        Raises KeyError when there is no next month, as after a roll.
        """
        new = structs.replace(self.following.pop(symbol), active=True)
        old = structs.replace(self.front[symbol], active=False)
        for contract in (old, new):
            self.by_id[contract.id] = self.by_venue_symbol[contract.venue_symbol] = contract
        self.front[symbol] = new
        return new

    def search(self, text: str) -> list[ContractMonth]:
        """Active contracts whose name, symbol or description contains the text, at most 20, one a product; as
        fuzzy as it sounds: "NQ" finds MNQ too."""
        wanted = text.strip().lower()
        found = [
            c
            for c in self.front.values()
            if wanted in c.name.lower() or wanted in c.symbol_id.lower() or wanted in c.description.lower()
        ]
        return found[:20]


class Roll(Struct, frozen=True):
    """A product whose active contract has changed while the venue was running."""

    contract_id: str
    """The month that is active since."""
    venue_symbol: str = field(name="book")
    """Of that month."""
    basis: int
    """What it costs more than the month before, ticks; the two move together."""

    def event(self, event: Quote | Print) -> Quote | Print:
        """What happens in the new month when this happens in the old one."""
        if isinstance(event, Print):
            return structs.replace(event, instrument=self.venue_symbol, price=event.price + self.basis)
        return structs.replace(
            event,
            instrument=self.venue_symbol,
            bid=self._moved(event.bid),
            ask=self._moved(event.ask),
            last=self._moved(event.last),
        )

    def candles(self, old: Candles) -> Candles:
        """The new month's history."""
        closed = (self._bar(bar) for bar in old.closed)
        return Candles(self.venue_symbol, closed, None if old.forming is None else self._forming(old.forming))

    def _moved(self, price: int | None) -> int | None:
        return None if price is None else price + self.basis

    def _bar(self, bar: Bar) -> Bar:
        moved = {name: getattr(bar, name) + self.basis for name in ("open", "high", "low", "close")}
        return structs.replace(bar, instrument=self.venue_symbol, **moved)

    def _forming(self, forming: FormingBar) -> FormingBar:
        moved = {name: getattr(forming, name) + self.basis for name in ("open", "high", "low", "close")}
        return structs.replace(forming, **moved)


def listing(
    instruments: Sequence[Instrument], day: date, months: Mapping[str, tuple[int, int]] | None = None
) -> Listing:
    """The front month of each instrument on a day, and the month before it, which trades no more.

    `months` (year, month) by symbol says otherwise for some, as a tape of another month does.
    """
    contracts, following = [], []
    for instrument in instruments:
        cycle = _cycle(instrument.symbol)
        year, month = (months or {}).get(instrument.symbol) or front_month(instrument.symbol, day)
        contracts.append(ContractMonth(instrument, year, month))
        contracts.append(ContractMonth(instrument, *_previous(cycle, year, month), active=False))
        after = ContractMonth(instrument, *_next(cycle, *_shift(year, month, 1)), active=False)
        following.append(structs.replace(after, key=after.display_name))
    return Listing(contracts, following)


def front_month(symbol: str, day: date) -> tuple[int, int]:
    """(year, month) of the contract that trades on a day."""
    year, month = day.year, day.month
    if symbol in _GOLD:
        months_ahead = 2 if day.day >= _GOLD_ROLL_DAY else 1
        return _next(_EVEN, *_shift(year, month, months_ahead))
    front = _next(_QUARTERS, year, month)
    if day >= _third_friday(*front) - timedelta(days=_ROLL_DAYS):
        front = _next(_QUARTERS, *_shift(*front, 1))
    return front


def _cycle(symbol: str) -> tuple[int, ...]:
    return _EVEN if symbol in _GOLD else _QUARTERS


def _shift(year: int, month: int, months: int) -> tuple[int, int]:
    years, month0 = divmod(month - 1 + months, 12)
    return year + years, month0 + 1


def _next(cycle: tuple[int, ...], year: int, month: int) -> tuple[int, int]:
    """The first month of the cycle at or after a month."""
    return next(((year, m) for m in cycle if m >= month), (year + 1, cycle[0]))


def _previous(cycle: tuple[int, ...], year: int, month: int) -> tuple[int, int]:
    return next(((year, m) for m in reversed(cycle) if m < month), (year - 1, cycle[-1]))


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)
