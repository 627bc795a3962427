"""Whose rows a table holds: one contract's, or several, of which one has to be asked for (F57)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.tapes.fields import TapeError, at_row, shown
from adapters.tapes.layouts import Layout
from engine.model.instrument import CME_FUTURES, Instrument, InstrumentKind

NumberedRow = tuple[int, list[str]]
"""Numbered as in the file, from 1."""

_CODES = "FGHJKMNQUVXZ"
_MONTH = rf"(?P<code>[{_CODES}])(?P<year>\d{{1,4}})"
_TRADES = frozenset({"t", "trade", "trades", "last"})
_OTHERS = frozenset(
    {"a", "add", "c", "cancel", "m", "modify", "r", "clear", "f", "fill", "n", "none"}
    | {"bid", "ask", "quote", "bbo", "b", "q", "s", "status", "snapshot"}
)
"""What happens to an order book, or is told of a trade a second time."""
_MOST_NAMED = 8


def rows_of(
    file: str,
    rows: Iterator[NumberedRow],
    layout: Layout,
    instrument: Instrument,
    month: str | None,
    symbol: str | None,
    *,
    several: bool = False,
) -> Iterator[NumberedRow]:
    """The rows that are asked for: trades only, of one contract of the instrument's product; with `several`
    of all its contracts.

    Raises TapeError where rows of another contract follow and none is asked for, where the only contract is
    another product's, and where nothing is left.
    """
    if not layout.named_by:
        if month is not None or symbol is not None:
            raise TapeError(f"{file}: has no column that names contracts: none can be picked")
        yield from _trades(file, rows, layout)
        return
    product = _product(instrument)
    taken: tuple[str, ...] | None = None
    others: dict[str, None] = {}
    for number, row in _trades(file, rows, layout):
        if len(row) != layout.width:
            yield number, row  # whoever reads it says what is wrong with it
            continue
        names = tuple(row[place].strip() for place in layout.named_by)
        if names != taken:
            if not _asked(names, product, month, symbol):
                if len(others) < _MOST_NAMED:
                    others[names[0]] = None
                continue
            if taken is not None and not several:
                one, other = next(pair for pair in zip(taken, names, strict=True) if pair[0] != pair[1])
                problem = f"{shown(other)} after {shown(one)}: the file holds several contracts"
                raise at_row(file, number, f"{problem}; say which, as in --symbol {one}")
            if not several or instrument.kind is InstrumentKind.FUTURE:
                _check_product(file, number, names, product, instrument)
            taken = names
        yield number, row
    if taken is None and others:
        asked = symbol if symbol is not None else month
        raise TapeError(
            f"{file}: has no rows of {shown(str(asked))}; it holds {', '.join(map(shown, others))}"
        )


def contract_of(row: list[str], layout: Layout) -> str:
    """Which contract a row names; empty where the table does not say."""
    names = [row[place].strip() for place in layout.named_by]
    return next((name for name in names if any(c.isalpha() for c in name)), names[0] if names else "")


def _trades(file: str, rows: Iterator[NumberedRow], layout: Layout) -> Iterator[NumberedRow]:
    place = layout.action
    if place is None:
        yield from rows
        return
    for number, row in rows:
        action = row[place].strip().lower() if place < len(row) else "t"
        if action in _TRADES:
            yield number, row
        elif action not in _OTHERS:
            raise at_row(file, number, f"{shown(row[place])} tells neither a trade nor anything else known")


def _asked(names: tuple[str, ...], product: re.Pattern[str], month: str | None, symbol: str | None) -> bool:
    if symbol is not None:
        return symbol.upper() in (name.upper() for name in names)
    return month is None or any(_is_month(product, name.upper(), month) for name in names)


def _is_month(product: re.Pattern[str], name: str, month: str) -> bool:
    """Whether a contract's name, or its expiry, tells this month ("202403")."""
    match = product.fullmatch(name)
    if match is None:
        return name.replace("-", "").startswith(month)
    if match["code"]:
        return _CODES.index(match["code"]) + 1 == int(month[4:]) and month[:4].endswith(match["year"])
    return bool(match["mm"]) and (match["mm"], match["yy"]) == (month[4:], month[2:4])


def _product(instrument: Instrument) -> re.Pattern[str]:
    """How the contracts of a product are called: ESH4, ESH24, ES 03-24, ES.FUT, ES1!, CON.F.US.EP.H24 and
    their like, but no spread. A micro trades at the mini's prices: the mini's names are its own too.
    """
    mini = CME_FUTURES.get(instrument.symbol.removeprefix("M")) or instrument
    names = "|".join(sorted({instrument.symbol, instrument.root, mini.symbol, mini.root}))
    return re.compile(
        rf"(?:[A-Z_]+:)?[@/]?(?:CON\.)?(?:F\.US\.)?(?:{names})?"
        rf"(?:\.?{_MONTH}|[ _]?(?P<mm>\d\d)-(?P<yy>\d\d)|\d?!|=F)?(?:[ ._:][A-Z][A-Z_ ]*(?:\.\d)?)?"
    )


def _check_product(
    file: str, number: int, names: tuple[str, ...], product: re.Pattern[str], instrument: Instrument
) -> None:
    """A name without letters is a date or a number of the vendor's, and tells no product."""
    for name in names:
        if any(c.isalpha() for c in name) and not product.fullmatch(name.upper()):
            raise at_row(file, number, f"holds {shown(name)}, which is no contract of {instrument.symbol}")
