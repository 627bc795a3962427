"""What people change of an arrangement: a second chart, charts on top, taller panes. Pure as tui.layout."""

from __future__ import annotations

from collections.abc import Mapping

from tui.layout import Arrangement, Rect, Shape, shape_of

ARRANGEMENTS = ("standard", "charts")
"""Those that come with tstream."""

BESIDE = 120
"""Columns from which two charts stand beside each other; below that they stand one upon the other."""
_ABOVE_EACH_OTHER = 22
"""Rows that this takes."""
_LEAST_ROWS = 4
"""Of a pane that gives rows to another."""


def charts_on_top(places: Arrangement, width: int, height: int) -> Arrangement:
    """The chart over the whole width and three fifths of the body; below it positions and orders, and beside
    them P&L and alerts, as far as there is room. Where the screen is too small for columns it stays as it is.
    """
    if shape_of(width, height) not in (Shape.MEDIUM, Shape.LARGE) or "chart" not in places:
        return places
    bars = {
        name: at
        for name, at in places.items()
        if at.height == 1 or name in ("books", "status", "safety", "keys")
    }
    top = max(at.y + at.height for name, at in bars.items() if at.y < height // 2)
    bottom = min(at.y for name, at in bars.items() if at.y >= height // 2)
    chart = (bottom - top) * 3 // 5
    y, rest, changed = top + chart, bottom - top - chart, {**bars, "chart": Rect(0, top, width, chart)}
    half, beside = (width * 2 // 5, ("pnl", "alerts")) if width >= 170 else (width // 2, ("alerts",))
    changed["positions"] = Rect(0, y, half, rest // 2)
    changed["orders"] = Rect(0, y + rest // 2, half, rest - rest // 2)
    for i, name in enumerate(beside):
        left, right = (half + (width - half) * n // len(beside) for n in (i, i + 1))
        changed[name] = Rect(left, y, right - left, rest)
    return changed


def with_second_chart(places: Arrangement) -> Arrangement:
    """The chart's place shared with another one; as it is where there is no room for two."""
    at = places.get("chart")
    if at is None:
        return places
    if at.width >= BESIDE:
        half = at.width // 2
        one, other = Rect(at.x, at.y, half, at.height), Rect(at.x + half, at.y, at.width - half, at.height)
    elif at.height >= _ABOVE_EACH_OTHER:
        half = (at.height + 1) // 2
        one, other = Rect(at.x, at.y, at.width, half), Rect(at.x, at.y + half, at.width, at.height - half)
    else:
        return places
    return {**places, "chart": one, "chart-2": other}


def resized(places: Arrangement, grown: Mapping[str, int]) -> Arrangement:
    """Panes with so many rows more, or fewer: what they gain the one below loses, or the one above where
    there is none. No pane gets too small for a row.
    """
    found = dict(places)
    for name, rows in grown.items():
        pair = neighbours(found, name)
        if pair is None:
            continue
        other, below = pair
        at, beside = found[name], found[other]
        rows = max(_LEAST_ROWS - at.height, min(rows, beside.height - _LEAST_ROWS))
        if below:
            found[name] = Rect(at.x, at.y, at.width, at.height + rows)
            found[other] = Rect(beside.x, beside.y + rows, beside.width, beside.height - rows)
        else:
            found[name] = Rect(at.x, at.y - rows, at.width, at.height + rows)
            found[other] = Rect(beside.x, beside.y, beside.width, beside.height - rows)
    return found


def neighbours(places: Arrangement, name: str) -> tuple[str, bool] | None:
    """The pane that gives rows to another one, and whether it stands below; None where none does."""
    at = places.get(name)
    if at is None:
        return None
    column = {
        other: one
        for other, one in places.items()
        if other != name and (one.x, one.width) == (at.x, at.width) and one.height >= _LEAST_ROWS
    }
    for other, one in column.items():
        if one.y == at.y + at.height:
            return other, True
    for other, one in column.items():
        if one.y + one.height == at.y:
            return other, False
    return None
