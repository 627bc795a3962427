"""Where everything stands on a screen of any size. Pure: sizes in, rectangles out."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

LEAST = (60, 20)
"""The smallest screen that can be used, columns and rows."""


class Shape(StrEnum):
    TINY = "tiny"
    """Below LEAST: only a message."""
    SMALL = "small"
    """From 60x20: one column, the rest folded into lines."""
    TALL = "tall"
    """One column, but room for more panes below each other."""
    FLAT = "flat"
    """Wide enough for two columns, not high enough for all panes."""
    MEDIUM = "medium"
    """From 110x32: two columns."""
    LARGE = "large"
    """From 170x50: three columns."""


class Rect(Struct, frozen=True):
    x: int
    y: int
    width: int
    height: int


Arrangement = dict[str, Rect]


def shape_of(width: int, height: int) -> Shape:
    """The breakpoint that a screen falls into."""
    if width < LEAST[0] or height < LEAST[1]:
        return Shape.TINY
    if width < 110:
        return Shape.TALL if height >= 40 else Shape.SMALL
    if height < 32:
        return Shape.FLAT
    return Shape.LARGE if width >= 170 and height >= 50 else Shape.MEDIUM


def _stack(places: Arrangement, x: int, y: int, width: int, heights: list[tuple[str, int]]) -> None:
    for name, height in heights:
        if height > 0:
            places[name] = Rect(x, y, width, height)
            y += height


BOOKS_SHOWN = 6
"""Rows of the pane of books; more scroll."""

QUOTES_SHOWN = 6
"""Rows of the pane of quotes, and more of them where there is room."""


def arrange(
    width: int,
    height: int,
    zoomed: str = "",
    swapped: bool = False,
    books: int = 1,
    shape: Shape | None = None,
    quotes: int = QUOTES_SHOWN,
) -> Arrangement:
    """Rectangles by name for a screen. `zoomed` has the body for itself; `swapped` shows the alignment where
    the chart would be, on shapes that show one of them. Several `books` stand above all that: in a pane of
    their own, where there is no room for it in a line. `quotes` are the rows of that pane."""
    shape = shape_of(width, height) if shape is None else shape
    if shape is Shape.TINY:
        return {"too-small": Rect(0, 0, width, height)}
    places: Arrangement = {
        "status": Rect(0, 0, width, 1),
        "safety": Rect(0, 1, width, 1),
        "keys": Rect(0, height - 1, width, 1),
    }
    if zoomed:
        places["alert-line"] = Rect(0, height - 2, width, 1)
        places[zoomed] = Rect(0, 2, width, height - 4)
    elif books > 1:
        own = _books_height(shape, height, books)
        places["books" if own > 1 else "book-strip"] = Rect(0, 2, width, own)
        below = arrange(width, height - own, swapped=swapped, shape=shape, quotes=quotes)
        bars = ("status", "safety", "keys")
        places |= {
            name: Rect(at.x, at.y + own, at.width, at.height)
            for name, at in below.items()
            if name not in bars
        }
    elif shape is Shape.SMALL:
        _small(places, width, height, swapped)
    elif shape is Shape.TALL:
        _tall(places, width, height)
    elif shape is Shape.FLAT:
        _flat(places, width, height)
    elif shape is Shape.MEDIUM:
        _medium(places, width, height)
    else:
        _large(places, width, height, quotes)
    return places


def _books_height(shape: Shape, height: int, books: int) -> int:
    """Rows for the books: 1 is a line. A pane has a frame and a head besides its rows."""
    if shape in (Shape.SMALL, Shape.FLAT) or height < 36:
        return 1
    room = (height - 28) // 3
    if shape is Shape.TALL:
        room = min(room, height - 38)  # the chart above the other panes keeps five lines
    return 3 + min(books, BOOKS_SHOWN, max(2, room))


def _small(places: Arrangement, width: int, height: int, swapped: bool) -> None:
    positions = min(12, 7 + max(0, height - 26) // 2)
    main = "alignment" if swapped else "chart"
    _stack(
        places, 0, 2, width,
        [(main, height - 5 - positions), ("positions", positions), ("alert-line", 1), ("log-line", 1)],
    )  # fmt: skip


def _tall(places: Arrangement, width: int, height: int) -> None:
    rest = height - 4
    alignment, positions = 13 if height >= 46 else 11, 9
    alerts = max(6, (rest - alignment - positions) // 3)
    chart = rest - alignment - positions - alerts
    _stack(
        places, 0, 2, width,
        [("chart", chart), ("alignment", alignment), ("positions", positions), ("alerts", alerts),
         ("log-line", 1)],
    )  # fmt: skip


def _flat(places: Arrangement, width: int, height: int) -> None:
    body, left = height - 5, width * 3 // 5
    positions = 6 if body >= 16 else 5
    _stack(places, 0, 2, left, [("chart", body - positions), ("positions", positions)])
    alignment = min(10, body // 2)
    _stack(places, left, 2, width - left, [("alignment", alignment), ("pnl", body - alignment)])
    _stack(places, 0, height - 3, width, [("alert-line", 1), ("log-line", 1)])


def _medium(places: Arrangement, width: int, height: int) -> None:
    places["strip"] = Rect(0, 2, width, 1)
    body = height - 4
    left = max(70, min(width - 50, width * 3 // 5))
    right = width - left
    spare = body - 29
    # Positions have the whole width: risk and R belong beside the prices. Alerts are long lines.
    positions = 6 + (spare >= 14)
    upper = body - positions
    orders = 7 + (spare >= 10) * 2
    alerts = 6 + max(0, spare - 6) // 3
    chart = upper - orders - alerts
    _stack(places, 0, 3, left, [("chart", chart), ("orders", orders), ("alerts", alerts)])
    alignment = 13 if body >= 34 else 11
    log = upper - alignment - 11
    log = min(log, alerts) if log >= 5 else 0
    pnl = upper - alignment - log
    _stack(places, left, 3, right, [("alignment", alignment), ("pnl", pnl), ("log", log)])
    places["positions"] = Rect(0, 3 + upper, width, positions)


def _large(places: Arrangement, width: int, height: int, rows: int) -> None:
    body = height - 3
    side = 52 if width >= 190 else 46
    right = max(56, width * 3 // 10)
    centre = width - side - right
    quotes = 3 + max(QUOTES_SHOWN, min(rows, body - 32))
    pnl = max(12, (body - quotes - 16) // 2)
    system = min(16, body - quotes - pnl - 5)
    _stack(
        places, 0, 2, side,
        [("quotes", quotes), ("pnl", pnl), ("system", system), ("trades", body - quotes - pnl - system)],
    )  # fmt: skip
    positions, orders = 8, 10
    chart = body - positions - orders
    _stack(places, side, 2, centre, [("chart", chart), ("positions", positions), ("orders", orders)])
    alignment = 14
    alerts, patterns = (body - alignment) // 2, 8
    log = body - alignment - alerts - patterns
    _stack(
        places, side + centre, 2, right,
        [("alignment", alignment), ("alerts", alerts), ("patterns", patterns), ("log", log)],
    )  # fmt: skip
