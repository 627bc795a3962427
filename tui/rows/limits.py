"""How far it is to each limit: one line a limit, and the nearest of all in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.model.view import Band, BookView, LimitView, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.styled_text import EMPTY, Row, cell, fit
from tui.view_facts import main_books

BAND_WORDS = {Band.CLEAR: "", Band.WARN: "WARN", Band.REDUCE: "REDUCE", Band.ACT: "ACT"}
_COLORS = {Band.CLEAR: "flat", Band.WARN: "warn", Band.REDUCE: "error", Band.ACT: "error"}
_STYLES = {**_COLORS, Band.ACT: "error bold"}
_BADGES = {**_COLORS, Band.ACT: "ink on:error bold"}
_SHORT = {"daily loss": "DLL", "max loss": "MLL", "losses in a row": "losses", "trades": "entries"}
_BANDS = list(Band)
_NAME, _WORD, _LEAST, _MOST = 15, 6, 5, 24
"""Cells of a limit's name, of its band in words, and of the shortest and the longest bar worth drawing."""


def share(limit: LimitView) -> float:
    """How much of a limit is used; 1 is all of it, and more than that is possible."""
    if limit.limit <= 0:
        return 1.0
    return max(0.0, float(limit.used / limit.limit))


def percent(limit: LimitView) -> str:
    """The used share, rounded down, so that it never stands beyond a band that has not begun: "94 %"."""
    return f"{min(999, int(share(limit) * 100 + 1e-9))} %"


def _amount(limit: LimitView, value: Decimal, rounding: str) -> str:
    if limit.in_money:
        return figures.whole(value.to_integral_value(rounding))
    return f"{value.normalize():f}"


def used_of(limit: LimitView) -> str:
    """ "496/800": money in whole units, what is used rounded up."""
    used = max(Decimal(0), limit.used)
    return f"{_amount(limit, used, ROUND_CEILING)}/{_amount(limit, limit.limit, ROUND_FLOOR)}"


def left_of(limit: LimitView) -> str:
    """What is left, rounded down, without its unit: "304"."""
    return _amount(limit, limit.left, ROUND_FLOOR)


def unit_of(limit: LimitView) -> str:
    """The unit where it says more than the limit's name does."""
    unit = plain(limit.unit)
    return "" if unit == plain(limit.name) else unit


Owned = tuple[BookView, LimitView]
"""A limit and whose it is."""


def nearest(view: View) -> tuple[Owned | None, Owned | None]:
    """The limit in money that is nearest to being hit, of the badge's books, and the nearest other one if it
    is nearer still. A full position is an everyday thing and must not hide how much may still be lost."""
    found = [(book, limit) for book in main_books(view) for limit in book.limits]
    money = max((one for one in found if one[1].in_money), key=_nearness, default=None)
    other = max((one for one in found if not one[1].in_money), key=_nearness, default=None)
    if money is not None and other is not None and _nearness(other) <= _nearness(money):
        other = None
    return money, other


def _nearness(one: Owned) -> tuple[int, float]:
    return _BANDS.index(one[1].band), share(one[1])


def name_of(limit: LimitView) -> str:
    """The limit's name; that of trades says which of them count."""
    return "trades entered" if limit.name == "trades" else plain(limit.name)


def short_name(limit: LimitView) -> str:
    """ "DLL" for the daily loss, "MLL" for the maximum loss; others keep their names."""
    return _SHORT.get(limit.name, plain(limit.name)[:_NAME])


def meter(limit: LimitView, width: int) -> Row:
    """The used share as a bar that needs no colour, and that does not run into those above and below it."""
    filled, empty = figures.gauge_used(share(limit), width)
    color = "dim" if limit.band is Band.CLEAR else _COLORS[limit.band]
    return ((filled, color), (empty, "guide"))


def band_badge(limit: LimitView) -> Row:
    """The band in a word; nothing while all is well."""
    return cell(BAND_WORDS[limit.band], _BADGES[limit.band]) if BAND_WORDS[limit.band] else EMPTY


def limit_rows(limits: Sequence[LimitView], width: int, most: int) -> list[Row]:
    """Up to `most` limits, the nearest first: name, bar, used of limit, share, and the band in a word."""
    shown = limits[:most]
    if not shown:
        return []
    name = min(_NAME, max(len(name_of(limit)) for limit in shown))
    amount = max(len(used_of(limit)) for limit in shown)
    unit = max(len(unit_of(limit)) for limit in shown)
    # What is least missed goes first where it is narrow: the unit, the band's word down to a letter, the bar.
    fixed = name + 1 + amount + 1 + 5
    spare = width - fixed - _LEAST - 1
    word = _WORD if spare >= _WORD + 1 else 1 if spare >= 2 else 0
    spare -= word + 1 if word else 0
    unit = unit if unit and spare >= unit + 1 else 0
    bar = min(_MOST, width - fixed - 1 - (word + 1 if word else 0) - (unit + 1 if unit else 0))
    return [fit(_row(limit, name, bar, amount, unit, word), width) for limit in shown]


def _row(limit: LimitView, name: int, bar: int, amount: int, unit: int, word: int) -> Row:
    calm = limit.band is Band.CLEAR
    spans = [*fit(cell(name_of(limit), "dim" if calm else "text"), name), (" ", "text")]
    if bar >= _LEAST - 1:
        spans += [*meter(limit, bar), (" ", "text")]
    spans.append((f"{used_of(limit):>{amount}}", "text"))
    if unit:
        spans.append((f" {unit_of(limit):<{unit}}", "dim"))
    spans.append((f" {percent(limit):>5}", _STYLES[limit.band] if not calm else "dim"))
    if word:
        spans += [(" ", "text"), *fit(cell(BAND_WORDS[limit.band][:word], _BADGES[limit.band]), word)]
    return tuple(spans)


def short_row(limit: LimitView, bar: int = 0, *, left: bool = True, unit: bool = False) -> Row:
    """ "DLL ▇▇▇ 62 % WARN · 304 USD left", with a bar of so many cells, and as much of the end as asked."""
    calm = limit.band is Band.CLEAR
    found: list[tuple[str, str]] = [(f"{short_name(limit)} ", "dim")]
    if bar:
        found += [*meter(limit, bar), (" ", "text")]
    found.append((percent(limit), "text" if calm else f"{_COLORS[limit.band]} bold"))
    if not calm:
        found += [(" ", "text"), *band_badge(limit)]
    if left:
        what = f" {unit_of(limit)}" if unit and unit_of(limit) else ""
        found += [(" · ", "faint"), (left_of(limit), "text"), (f"{what} left", "dim")]
    return tuple(found)
