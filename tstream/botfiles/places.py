"""Where a JSON bot trades: whose prices, and whose money."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from engine.model.instrument import CME_FUTURES, Instrument, InstrumentKind
from tstream.botfiles.model import BotFile
from tstream.botfiles.read import in_line
from tstream.settings.venues import ALL, account_tables, small
from tstream.venues import known
from tstream.venues.kind import At, VenueKind

MOCK, PAPER = "mock", "_paper"
_SHARE = re.compile(r"[A-Z]{1,5}(\.[A-Z])?")
_SHARES = (
    'of a US share kind = "equity", tick_size = 0.01, currency = "USD", calendar = "us_equities", '
    "fee_usd = 0, commission_usd = 0"
)
_NAMED = 12
"""So many contracts are named to choose from."""


class Money(StrEnum):
    """What a bot of a file trades with."""

    PAPER = "paper"
    """A book inside tstream."""
    REAL = "real"
    """The account of a venue."""


class BotPlace(NamedTuple):
    """Where one bot trades."""

    venue: str
    """The venue of the settings whose prices it looks at; where its account is, if it has one."""
    kind: str
    at: At
    """Where the venue is: on a twin of tstream's own, its demo, or where money is."""
    money: Money

    @property
    def play(self) -> bool:
        """The market itself is made by tstream."""
        return self.at is At.PRACTICE


class Say(Protocol):
    """Takes one problem: key, what is wrong, remedy, what stands there."""

    def __call__(self, key: str, why: str, remedy: str, value: object = None) -> None: ...


def place_of(file: BotFile, table: Mapping[str, Any], say: Say) -> BotPlace | None:
    """Where a bot trades, or None with what is wrong. `table` is what tstream.toml says."""
    source, broker = file.data.data_source.lower(), file.broker.type.lower()
    kind = _kind(source, say)
    if kind is None:
        return None
    only_play = kind.places == (At.PRACTICE,)
    if broker == MOCK:
        if At.PRACTICE not in kind.places:
            why = f"has no practice market for {source}"
            say("broker.type", why, f'write "{source}{PAPER}"', file.broker.type)
            return None
        return BotPlace(_venue(source, At.PRACTICE, table), source, At.PRACTICE, Money.PAPER)
    whose = broker.removesuffix(PAPER)
    if not known.is_known(whose):
        brokers = f"{MOCK}, {', '.join(f'{one}, {one}{PAPER}' for one in known.names())}"
        say("broker.type", "is no broker that tstream knows", f"write one of {brokers}", file.broker.type)
        return None
    if whose != source:
        why = f"fills at {whose}, and data.data_source is {source}: prices and orders are of one venue"
        say(
            "broker.type",
            why,
            f'write "data_source": "{whose}", or "type": "{source}{PAPER}"',
            file.broker.type,
        )
        return None
    if broker == whose and kind.prices_only:
        why = f"trades nothing: {source} has prices only"
        say("broker.type", why, f'write "{source}{PAPER}"', file.broker.type)
        return None
    name = _venue(source, At.PRACTICE if only_play else At.LIVE, table)
    at = At.PRACTICE if only_play else _said_at(name, table) or At.LIVE
    return BotPlace(name, source, at, Money.REAL if broker == whose else Money.PAPER)


def accounts_of(section: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tables of a venue's accounts, as the settings would read them."""
    found = account_tables(section.get("accounts") or ())
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def book_of(venue: str, rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> str:
    """What the book of an account is called."""
    name, book = str(row.get("name", "")), str(row.get("book") or "")
    if len(rows) == 1 and name != ALL and not book:
        return venue
    return f"{venue}-{book or small(name)}"


def real_book(venue: str, asked: str, table: Mapping[str, Any], say: Say) -> str:
    """The book of the account that a bot trades on."""
    rows = accounts_of(dict(_venues(table)).get(venue, {}))
    names = [book_of(venue, rows, row) for row in rows if row.get("name") != ALL] or [venue]
    whole = any(row.get("name") == ALL for row in rows)
    if not asked and len(names) == 1 and not whole:
        return names[0]
    if asked in names or (whole and asked.startswith(f"{venue}-")):
        return asked
    why = f"is none of {venue}'s books" if asked else f"is needed: {venue} has several accounts"
    remedy = f"write one of {', '.join(names)}" if not whole else f"write its book, {venue}-NAME"
    say("broker.book", why, remedy, asked or None)
    return venue


def symbol_of(text: str) -> str:
    """A symbol as the settings have it: "BTCUSDT", or "BTCUSDT@binance" where several venues list it."""
    name, at, venue = text.partition("@")
    return name.upper() + at + venue.lower()


def check_symbol(kind: str, symbol: str, table: Mapping[str, Any], say: Say) -> None:
    """Whether tstream knows what a symbol is at a venue, by itself or by [instruments] of tstream.toml."""
    listed, own = listed_at(kind), _own(table)
    plain = symbol.partition("@")[0]
    if plain in listed or symbol.upper() in own:
        return
    names = [*listed, *own]
    close = get_close_matches(plain, names, 1)
    what = f'write "{close[0]}"' if close else f"write one of {', '.join(names[:_NAMED]) or 'none'}"
    remedy = f"{what}, or say its terms in [instruments.{in_line(symbol)}] of tstream.toml"
    if InstrumentKind.EQUITY in known.kind(kind).markets and _SHARE.fullmatch(plain):
        remedy += f" ({_SHARES})"
    say("trading.symbol", f"is no contract that tstream knows at {kind}", remedy, symbol)


def currency_of(kind: str, symbol: str, table: Mapping[str, Any]) -> str:
    """In which a contract is settled, as the settings count it; empty where only they will say."""
    said = _own(table).get(symbol.upper(), {}).get("currency")
    known_here = listed_at(kind).get(symbol.partition("@")[0])
    found = str(said or (known_here.currency if known_here is not None else ""))
    as_usd = table.get("counts_as_usd", ())
    return "USD" if found in (as_usd.split(",") if isinstance(as_usd, str) else as_usd) else found


def listed_at(kind: str) -> Mapping[str, Instrument]:
    """What tstream itself knows of a venue's contracts."""
    about = known.kind(kind)
    futures = CME_FUTURES if InstrumentKind.FUTURE in about.markets else {}
    return {**about.instruments, **futures}


def _own(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What [instruments] of tstream.toml says, by symbol."""
    said = table.get("instruments")
    sections = said.items() if isinstance(said, Mapping) else ()
    return {str(name).upper(): one for name, one in sections if isinstance(one, Mapping)}


def _kind(source: str, say: Say) -> VenueKind | None:
    try:
        return known.kind(source)
    except known.UnknownKindError as error:
        names = ", ".join(known.names())
        why = f"{error}" if known.is_known(source) else "is no venue that tstream knows"
        say("data.data_source", why, f"write one of {names}", source)
        return None


def _venue(kind: str, at: At, table: Mapping[str, Any]) -> str:
    """The venue of the settings that is meant: the one that is called as its kind, else the first of the
    kind. A market of our own has a venue of its own beside one that is not.
    """
    found = [name for name, one in _venues(table) if one.get("kind", name) == kind and _may_be(one, at)]
    if kind in found or not found:
        taken = any(name == kind for name, one in _venues(table)) and kind not in found
        return f"{at}-{kind}" if taken else kind
    return found[0]


def _may_be(section: Mapping[str, Any], at: At) -> bool:
    said = section.get("at")
    return said in (None, at) or (at is At.LIVE and said == At.DEMO)


def _said_at(name: str, table: Mapping[str, Any]) -> At | None:
    """Where the settings have a venue; None where they don't say."""
    said = dict(_venues(table)).get(name, {}).get("at")
    return At(said) if said in list(At) else None


def _venues(table: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    said = table.get("venues")
    sections = said.items() if isinstance(said, Mapping) else ()
    return [(str(name), one) for name, one in sections if isinstance(one, Mapping)]
