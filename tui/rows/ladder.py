"""The price ladder: what rests at each price, what was traded there, and what of it is ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from engine.model.depth import DepthView
from engine.model.market import Side
from engine.model.orders import OrderType, Slot
from engine.model.view import ContractView, OrderView, View
from tui import number_format as figures
from tui.ladder_orders import LadderTerms, entries_of, orders_at
from tui.plain_text import plain
from tui.styled_text import EMPTY, Row, cell, fit

LEAST_WIDTH = 44
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SLOTS = {Slot.ENTRY: ("entry", "entry"), Slot.STOP: ("stop", "stop"), Slot.TARGET: ("target", "target"),
          Slot.PART: ("close", "warn")}  # fmt: skip


class Rungs(Struct, frozen=True):
    """Which prices are shown and where people are in them, ticks."""

    top: int
    height: int
    cursor: int
    moving: OrderView | None = None
    """An order that was picked up and goes where the cursor is."""

    @property
    def prices(self) -> range:
        return range(self.top, self.top - self.height, -1)


class Widths(Struct, frozen=True):
    """Cells of each column; 0 for one that is left out."""

    own: int
    bar: int
    size: int
    price: int
    traded: int


def widths(width: int, price: int, size: int) -> Widths:
    """How the columns share a width. The bars give way first, then what was traded, then our own words."""
    size = max(4, size)
    price += 4  # cursor and entry before it, a mark of the last trade and a blank behind
    rest = width - price - 2 * size - 2  # a blank before each of our own columns
    traded = 13 if rest >= 46 else 8 if rest >= 32 else 0
    own = 14 if rest - traded >= 38 else 9 if rest - traded >= 24 else 6
    bar = max(0, (rest - traded - 2 * own) // 2 - 1)
    return Widths(own, min(bar, 24), size, price, traded)


def ladder_rows(
    view: View, contract: ContractView, depth: DepthView | None, rungs: Rungs, width: int, book: str | None
) -> tuple[Row, list[Row]]:
    """Head and rows."""
    text = figures.price(contract.tick_size * rungs.top, contract.decimals)
    bids = dict(depth.bids) if depth is not None else {}
    asks = dict(depth.asks) if depth is not None else {}
    traded = dict(depth.traded) if depth is not None else {}
    lot = contract.lot_size
    size = max((len(figures.volume(one, lot)) for one in (*bids.values(), *asks.values())), default=4)
    cut = widths(width, len(text), min(size, 9))
    most = max((*bids.values(), *asks.values()), default=1)
    best = {
        depth.bids[0][0] if depth and depth.bids else None,
        depth.asks[0][0] if depth and depth.asks else 0,
    }
    broken = depth is None or bool(depth.broken)
    queue = {} if depth is None else {one.client_id: one.ahead for one in depth.queue}
    held = entries_of(view, contract, book)
    ours = any(order.instrument == contract.instrument for order in view.orders)
    most_traded = max(1, depth.traded_most) if depth is not None else 1
    last, side = (None, 0) if depth is None else (depth.last, depth.last_side)
    rows = []
    for ticks in rungs.prices:
        bid, ask, volume = bids.get(ticks, 0), asks.get(ticks, 0), traded.get(ticks, 0)
        mine, here = orders_at(view, contract, ticks, book) if ours else [], held.get(ticks, ())
        rung, row = _rung(
            figures.price(contract.tick_size * ticks, contract.decimals).rjust(cut.price - 4),
            _short(figures.volume(bid, lot), cut.size) if bid else "",
            round(bid / most * cut.bar * 2),
            _short(figures.volume(ask, lot), cut.size) if ask else "",
            round(ask / most * cut.bar * 8),
            _short(figures.volume(volume, lot), 6) if volume and cut.traded else "",
            -1 if volume == most_traded else round(volume / most_traded * (cut.traded - 8) * 8),
            "faint" if broken else "bold" if ticks in best else "",
            side if ticks == last else None,
            "▶" if ticks == rungs.cursor else " ",
            "◆" if here else " ",
            cut,
            width,
        )
        if mine:
            left, right = (_own(mine, one, cut.own, queue, contract, rungs) for one in (Side.BUY, Side.SELL))
            row = fit((*left, *rung[1:_OWN_SELLS], *right, *rung[_OWN_SELLS + 1 :]), width)
        rows.append(_marked(row) if ticks == rungs.cursor else row)
    return _head(cut, depth, width), rows


def _marked(row: Row) -> Row:
    """The row of the cursor."""
    return tuple((text, style if "on:" in style else f"{style} on:select") for text, style in row)


def _head(cut: Widths, depth: DepthView | None, width: int) -> Row:
    about = "~" if depth is not None and depth.traded_about else ""
    spans: list[Row] = [
        fit(cell("our buys", "dim"), cut.own + 1),
        cell(" " * (cut.bar + 1 if cut.bar else 0)),
        fit(cell("bid", "dim"), cut.size, ">"),
        fit(cell("price ", "dim"), cut.price, ">"),
        fit(cell("ask", "dim"), cut.size),
        cell(" " * (cut.bar + 1 if cut.bar else 0)),
        fit(cell(" our sells", "dim"), cut.own + 1),
        fit(cell(f" {about}traded", "dim"), cut.traded) if cut.traded else EMPTY,
    ]
    return fit(tuple(span for row in spans for span in row), width)


@lru_cache(maxsize=512)
def _rung(
    price: str,
    bid: str,
    bid_halves: int,
    ask: str,
    ask_eighths: int,
    traded: str,
    traded_eighths: int,
    weight: str,
    side: int | None,
    cursor: str,
    entry: str,
    cut: Widths,
    width: int,
) -> tuple[Row, Row]:
    """One price without our orders, in its parts and as a row: most are as they were at the frame before.
    `side` is of the last trade, where that was here; `traded_eighths` is negative where most was traded.
    """
    faint = weight == "faint"
    blank: Row = ((" " * (cut.own + 1), "text"),)
    full, half = divmod(bid_halves, 2)
    style = "text" if side is None else f"{figures.trend(side)} bold"
    mark = " " if side is None else figures.arrow(side)
    spans: list[tuple[str, str]] = [*blank]
    if cut.bar:
        bar_style = "faint" if faint else "zone-up"
        spans += [(f"{'▐' * half}{'█' * full}".rjust(cut.bar), bar_style), (" ", "text")]
    else:
        spans += [("", "text"), ("", "text")]
    spans += [
        (bid.rjust(cut.size), weight if faint else f"buy {weight}".rstrip()),
        (cursor, "accent bold"), (entry, "entry bold"), (price, style), (mark, style), (" ", "text"),
        (ask.ljust(cut.size), weight if faint else f"sell {weight}".rstrip()),
    ]  # fmt: skip
    if cut.bar:
        spans += [(" ", "text"), (_eighths(ask_eighths, cut.bar), "faint" if faint else "zone-down")]
    else:
        spans += [("", "text"), ("", "text")]
    spans += blank
    if cut.traded:
        left = cut.traded - 8
        drawn = (
            ""
            if left <= 0 or not traded
            else _eighths(left * 8 if traded_eighths < 0 else traded_eighths, left)
        )
        spans += [(" ", "text"), (f"{traded:>6} ", "text bold" if traded_eighths < 0 else "dim")]
        spans.append((drawn.ljust(max(0, left)), "volume"))
    return tuple(spans), fit(tuple(spans), width)


_OWN_SELLS = 12
"""Where the place of our sells stands in a rung."""


def _short(text: str, width: int) -> str:
    """A size in so many cells: thousands as "12k" where there is no room."""
    if len(text) <= width:
        return text
    whole = text.split(".")[0]
    if len(whole) <= width:
        return text[:width].rstrip(".")
    number = int(whole.replace(",", ""))
    for unit in ("k", "M", "G"):
        number //= 1_000
        if len(f"{number}{unit}") <= width:
            return f"{number}{unit}"
    return "…"


def bar(share: float, width: int) -> str:
    """A bar from the left in eighths of a cell."""
    return _eighths(round(min(1.0, max(0.0, share)) * width * 8), width)


def _eighths(eighths: int, width: int) -> str:
    full, part = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width)


def _own(
    orders: Sequence[OrderView],
    side: Side,
    width: int,
    queue: Mapping[str, int],
    contract: ContractView,
    rungs: Rungs,
) -> Row:
    """Our orders of one side at a price: what they are, how much, and about what is before them."""
    gap: Row = ((" ", "text"),)
    mine = [order for order in orders if order.side is side]
    if not mine:
        return (*gap, (" " * width, "text"))
    first = mine[0]
    word, style = _SLOTS[first.slot]
    if first.slot is Slot.ENTRY and first.type is OrderType.STOP:
        word = "stop in"
    total = sum(order.qty - order.filled_qty for order in mine)
    qty = figures.quantity(total, contract.lot_size)
    ahead = next((queue[order.client_id] for order in mine if order.client_id in queue), None)
    place = "" if ahead is None else f" ~{figures.volume(ahead, contract.lot_size)}"
    moving = rungs.moving is not None and any(o.client_id == rungs.moving.client_id for o in mine)
    for text in (f"{word} {qty}{place}", f"{word} {qty}", f"{word[0].upper()}{qty}{place}",
                 f"{word[0].upper()}{qty}"):  # fmt: skip
        if len(text) <= width:
            break
    return (*gap, *fit(cell(text, f"{style} bold{' reverse' if moving else ''}"), width))


def state_row(depth: DepthView | None, contract: ContractView) -> Row:
    """What there is to say of the book, one line: that it is not to be believed comes first."""
    if depth is None:
        return cell("waiting for the order book", "faint")
    if depth.untold:
        return cell("this venue tells no order book here: quote and trades only", "dim")
    if depth.broken:
        return cell(f"NOT THE BOOK OF NOW: {plain(depth.broken)}", "stale bold")
    if depth.touch_only:
        return cell("best prices only: the account has no market depth", "dim")
    bids, asks = sum(size for _, size in depth.bids), sum(size for _, size in depth.asks)
    lot = contract.lot_size
    again = f" · asked anew {depth.resyncs}×" if depth.resyncs else ""
    return (
        ("book ", "dim"), (f"{figures.volume(bids, lot)} bid", "buy"), (" : ", "dim"),
        (f"{figures.volume(asks, lot)} ask", "sell"),
        (f" in {len(depth.bids)}+{len(depth.asks)} levels{again}", "dim"),
    )  # fmt: skip


def held_row(view: View, contract: ContractView, book: str | None) -> Row:
    """What is held of the contract, with what it has come to; empty for nothing."""
    spans: list[tuple[str, str]] = []
    for held in view.positions:
        if held.instrument == contract.instrument and book in (None, held.book) and held.qty:
            spans += [
                ("  ·  ", "faint"),
                (f"{figures.held(held.qty, contract.lot_size)} held ", f"{figures.side(held.qty)} bold"),
                (figures.signed(held.open_usd), figures.tone(held.open_usd)),
                (f" {plain(contract.currency)}", "dim"),
            ]
    return tuple(spans)


def terms_row(terms: LadderTerms, contract: ContractView, width: int) -> Row:
    """What one key places, and what it puts at risk before costs."""
    risk = contract.tick_value_usd * terms.stop_ticks * terms.qty
    aim = f" · target {terms.target_ticks} ticks" if terms.target_ticks else " · no target"
    if width < 64:
        aim = f" · target {terms.target_ticks}" if terms.target_ticks else ""
    return fit(
        (
            ("a key places " if width >= 64 else "a key: ", "dim"),
            (figures.quantity(terms.qty, contract.lot_size), "text bold"),
            (" with stop ", "dim"), (f"{terms.stop_ticks} ticks", "stop"), (aim, "dim"),
            (" · risk ", "dim"), (f"{figures.usd(risk)} {plain(contract.currency)}", "text"),
        ),
        width,
    )  # fmt: skip


def armed_row(left_s: float, width: int) -> Row:
    """Across the whole width: one key trades now."""
    text = f" ARMED {int(left_s // 60)}:{int(left_s % 60):02d} · one key trades · a or esc disarms "
    return cell(text.center(width), "ink bold on:error")


def keys_note(width: int, *, armed: bool) -> str:
    """What keys do, in so many cells."""
    terms = "+ − quantity · [ ] stop · { } target"
    if armed:
        long = f"b s limit · B S market · x cancel · m move · {terms} · c centre"
        short = "b s limit · B S market · x cancel · m move · a disarm"
    else:
        long = f"a arm · j k cursor · c centre · {terms} · n contract · esc back"
        short = "a arm · j k cursor · c centre · esc back"
    return long if width >= len(long) + 6 else short
