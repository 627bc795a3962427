"""Positions, working orders and finished trades as tables."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from engine.model.market import NANOS
from engine.model.orders import AccountKind, OrderStatus, Slot
from engine.model.view import BookView, OrderView, PositionView, TradeView
from tui import clock_times as times
from tui import number_format as figures
from tui.books import at_risk
from tui.plain_text import plain
from tui.rows.shared import Amount, kind_mark, side_amounts
from tui.screen_state import ScreenState
from tui.styled_text import Column, Row, cell, fit, table, width_of
from tui.things import Things, of_order, of_position, of_trade
from tui.view_facts import contract_of, currency_of, own_total

SLOT_STYLES = {Slot.ENTRY: "entry", Slot.STOP: "stop", Slot.TARGET: "target", Slot.PART: "entry"}

_POSITIONS = (
    Column("book", "<", rank=9),
    Column("contract", "<"),
    Column("side", "<"),
    Column("entry", rank=5),
    Column("mark", rank=6),
    Column("P&L USD", least=8),
    Column("R", rank=3, least=5),
    Column("risk USD", rank=2, least=6),
    Column("stop", rank=4),
    Column("held", rank=8),
    Column("target", rank=7),
    Column("ticks", rank=10, least=6),
    Column("MAE", rank=11),
    Column("MFE", rank=11),
    Column("strategy", "<", rank=12),
)
"""What would be lost at the stop stays before the prices that it is made of: money is what counts."""

_ORDERS = (
    Column("contract", "<"),
    Column("slot", "<"),
    Column("order", "<"),
    Column("price"),
    Column("away", rank=4),
    Column("status", "<", rank=2),
    Column("book", "<", rank=6),
    Column("since", rank=7),
)

_TRADES = (
    Column("closed", "<"),
    Column("contract", "<"),
    Column("side", "<"),
    Column("entry", rank=4),
    Column("exit", rank=4),
    Column("net USD", least=9),
    Column("reason", "<", rank=3, least=8, grow=True),
    Column("costs", rank=6),
    Column("book", "<", rank=7),
)


def _name(state: ScreenState, instrument: str, kind: AccountKind, month: str = "") -> Row:
    """`month` is the contract's own name, where it is known: after a roll another one than the active."""
    contract = contract_of(state.view, instrument)
    name = plain(month or (instrument if contract is None else contract.name))
    style = "accent bold" if instrument == state.instrument else "text"
    return (*kind_mark(state.view, kind), (name, style))


def _side(state: ScreenState, instrument: str, qty: int) -> Row:
    word = "LONG" if qty > 0 else "SHORT"
    return cell(f"{figures.arrow(qty)} {word:<5} {state.quantity(instrument, qty)}", figures.side(qty))


def _to_flat(state: ScreenState, instrument: str, qty: int) -> Row:
    """What a flatten still has to close: however long it takes, what is held has to be seen."""
    word = "LONG" if qty > 0 else "SHORT"
    return cell(f"{figures.arrow(qty)} {word} {state.quantity(instrument, qty)}→0", "warn bold")


def _amount(state: ScreenState, instrument: str, usd: Decimal, style: str) -> Row:
    unit = currency_of(state.view, instrument)
    return ((figures.signed(usd), style), *([] if unit == "USD" else [(f" {plain(unit)}", "dim")]))


def _columns(state: ScreenState, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Where there are several books, whose a row is matters more than its price; where there is other money
    than USD, each amount says its own."""
    if any(contract.currency != "USD" for contract in state.view.contracts):
        columns = tuple(replace(one, title=one.title.removesuffix(" USD")) for one in columns)
    if len(state.view.books) < 2:
        return columns
    ranks = {"book": 1, "closed": 2}
    return tuple(replace(column, rank=ranks.get(column.title, column.rank)) for column in columns)


def _stop(state: ScreenState, position: PositionView) -> Row:
    """The stop, and a warning where fewer contracts are protected than held."""
    open_qty = abs(position.qty)
    if position.stop is None or position.protected_qty == 0:
        return cell("none!", "error bold")
    text = figures.price(position.stop, state.decimals(position.instrument))
    if position.protected_qty < open_qty:
        covered = state.quantity(position.instrument, position.protected_qty)
        return cell(f"{text} {covered}/{state.quantity(position.instrument, open_qty)}!", "warn bold")
    return cell(text, "stop")


def _risk(state: ScreenState, position: PositionView) -> Row:
    """What would be lost at the stop, costs included; loud where nothing, or not enough, would stop it."""
    bare = abs(position.qty) - position.protected_qty
    if position.stop is None or position.protected_qty == 0:
        return cell(" NO STOP ", "ink on:error bold")
    if bare > 0:
        return cell(f" {state.quantity(position.instrument, bare)} NO STOP ", "ink on:error bold")
    if position.risk_usd is None:
        return cell(figures.NONE, "dim")
    unit = currency_of(state.view, position.instrument)
    return (
        (figures.usd(position.risk_usd), "stop"),
        *([] if unit == "USD" else [(f" {plain(unit)}", "dim")]),
    )


def _position(state: ScreenState, position: PositionView) -> tuple[Row, ...]:
    digits = state.decimals(position.instrument)
    contract = contract_of(state.view, position.instrument)
    stale = contract is not None and contract.stale
    tone = "stale" if stale else figures.tone(position.open_usd)
    flattening = any(
        book.book == position.book and position.instrument in book.flatten.instruments
        for book in state.view.books
        if book.flatten is not None
    )
    targets = position.targets
    target = figures.price(targets[0], digits) if targets else figures.NONE
    if len(targets) > 1:
        target += f" +{len(targets) - 1}"
    held = max(0, state.view.ts - position.opened_ts)
    return (
        cell(plain(position.book), "dim"),
        _name(state, position.instrument, position.kind, position.contract),
        (_to_flat if flattening else _side)(state, position.instrument, position.qty),
        cell(figures.price(position.entry, digits)),
        cell(figures.price(position.mark, digits), "stale" if stale else "text"),
        _amount(state, position.instrument, position.open_usd, f"{tone} bold"),
        cell(figures.signed(position.r_now), f"{tone} bold" if position.r_now is not None else "dim"),
        _risk(state, position),
        _stop(state, position),
        cell(f"{held // (60 * NANOS)}:{held // NANOS % 60:02d}", "dim"),
        cell(target, "target" if targets else "dim"),
        cell(figures.signed(position.open_ticks, int(position.open_ticks % 1 != 0)), tone),
        cell(figures.signed(position.mae_usd), "dim"),
        cell(figures.signed(position.mfe_usd), "dim"),
        cell(plain(position.strategy), "dim"),
    )


def position_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and rows of the open positions, the shown contract first."""
    return table(_columns(state, _POSITIONS), [_position(state, p) for p in state.positions], width)


def sums_row(state: ScreenState, label: str, amounts: list[Amount]) -> Row:
    """What amounts come to, each kind of money and currency by itself, the badge's own first."""
    sums: dict[tuple[AccountKind, str], Decimal] = {}
    for kind, currency, amount in amounts:
        sums[kind, currency] = sums.get((kind, currency), Decimal(0)) + amount
    books = own_total(state.view)
    unit = "USD" if books is None else books.currency
    own = sums.pop((state.view.mode, unit), Decimal(0))
    side = side_amounts(state.view, [(*key, amount) for key, amount in sorted(sums.items())], unit)
    return ((label, "dim"), (figures.signed(own), f"{figures.tone(own)} bold"), *side)


def open_sums(state: ScreenState, width: int) -> Row:
    """What is open, what of it is at risk to the stops, and beside that what the day may still lose: sums
    only over books of the badge's kind and currency. As much as fits."""
    view = state.view
    amounts = [(p.kind, currency_of(view, p.instrument), p.open_usd) for p in view.positions]
    opened, own = sums_row(state, "open ", amounts), own_total(view)
    if own is None:
        return opened
    mine = [p for p in view.positions if p.book in {book.book for book in own.books}]
    sums, bare = at_risk(view, mine)
    risk: Row = ((" · risk ", "dim"), (figures.usd(sums.get(own.currency, Decimal(0))), "stop"))
    if bare:
        names = ", ".join(plain(name) for name in dict.fromkeys(bare))
        risk = ((" · ", "dim"), (f" NO STOP: {names} ", "ink on:error bold"))
    left = may_still_lose(own.books)
    of: Row = () if left is None else ((" of ", "dim"), (figures.usd(left), "text"))
    more: Row = () if left is None else ((" the day may still lose", "dim"),)
    for row in (
        (*opened, *risk, *of, *more),
        (*opened, *risk, *of),
        (*opened, *risk),
        risk[1:] if bare else opened,
    ):
        if width_of(row) <= width:
            return row
    return opened


def may_still_lose(books: Iterable[BookView]) -> Decimal | None:
    """What books may lose before the nearest limit of each acts; None where one of them has none."""
    left = [min((one.left for one in book.limits if one.in_money), default=None) for book in books]
    known = [one for one in left if one is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(left) else None


def position_things(state: ScreenState) -> Things:
    """What these rows are about."""
    return tuple(of_position(state.view, position) for position in state.positions)


def order_text(state: ScreenState, order: OrderView) -> str:
    """ "sell 2 stop": what the order asks the venue for, how much of it has filled already."""
    done = f"{state.quantity(order.instrument, order.filled_qty)}/" if order.filled_qty else ""
    return f"{order.side.value} {done}{state.quantity(order.instrument, order.qty)} {order.type.value}"


def _status(order: OrderView) -> Row:
    if order.suspended:
        return cell("waits for entry", "dim")
    word = order.status.value.replace("_", " ")
    if order.status in (OrderStatus.REJECTED, OrderStatus.DENIED, OrderStatus.UNKNOWN):
        return cell(f"✕ {word}" if order.status.terminal else f"? {word}", "error bold")
    if order.status in (OrderStatus.WORKING, OrderStatus.PARTIAL):
        return cell(word)
    return cell(word, "warn")


def _order(state: ScreenState, order: OrderView) -> tuple[Row, ...]:
    digits = state.decimals(order.instrument)
    contract = contract_of(state.view, order.instrument)
    away = figures.NONE
    if contract is not None and contract.last is not None and order.price is not None:
        away = figures.signed((order.price - contract.last) / contract.tick_size, 0)
    return (
        _name(state, order.instrument, order.kind, order.contract),
        cell(order.slot.value, SLOT_STYLES[order.slot]),
        cell(order_text(state, order), figures.side(order.side.sign)),
        cell(figures.price(order.price, digits), SLOT_STYLES[order.slot]),
        cell(away, "dim"),
        _status(order),
        cell(plain(order.book), "dim"),
        cell(times.clock(order.ts, state.view.told_in), "dim"),
    )


def _by_price(state: ScreenState) -> list[OrderView]:
    return sorted(
        state.view.orders,
        key=lambda o: (
            o.kind is not state.view.mode,
            o.instrument != state.instrument,
            o.instrument,
            o.book,
            -(o.price or 0),
        ),
    )


def order_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and rows of the working orders, the shown contract first, from the highest price down."""
    return table(_columns(state, _ORDERS), [_order(state, o) for o in _by_price(state)], width)


def order_things(state: ScreenState) -> Things:
    """What these rows are about, the folded ones too."""
    return tuple(of_order(order) for order in _by_price(state))


def folded_order_rows(state: ScreenState, width: int) -> list[Row]:
    """Working orders as single lines, for screens without room for their own pane."""
    lines: list[Row] = []
    for order in _by_price(state):
        style = SLOT_STYLES[order.slot]
        line: Row = (
            *kind_mark(state.view, order.kind),
            (f"{figures.shortened(plain(order.book), 10):<10} " if len(state.view.books) > 2 else "", "dim"),
            (f"{plain(order.instrument):<4} ", "accent" if order.instrument == state.instrument else "dim"),
            (f"{order.slot.value:<7}", style),
            (f"{order_text(state, order):<14} ", "text"),
            (f"{figures.price(order.price, state.decimals(order.instrument)):>9}  ", style),
            *_status(order),
        )
        lines.append(fit(line, width))
    return lines


def _trade(state: ScreenState, trade: TradeView) -> tuple[Row, ...]:
    digits = state.decimals(trade.instrument)
    return (
        cell(times.clock(trade.closed_ts, state.view.told_in), "dim"),
        _name(state, trade.instrument, trade.kind),
        _side(state, trade.instrument, trade.qty * trade.side.sign),
        cell(figures.price(trade.entry, digits)),
        cell(figures.price(trade.exit, digits)),
        _amount(state, trade.instrument, trade.net_usd, f"{figures.tone(trade.net_usd)} bold"),
        cell(plain(trade.reason), "dim"),
        cell(figures.signed(-trade.costs_usd), "dim"),
        cell(plain(trade.book), "dim"),
    )


def trade_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and rows of the finished trades, newest first."""
    return table(_columns(state, _TRADES), [_trade(state, trade) for trade in _newest_first(state)], width)


def _newest_first(state: ScreenState) -> list[TradeView]:
    return sorted(state.view.trades, key=lambda trade: trade.closed_ts, reverse=True)


def trade_things(state: ScreenState) -> Things:
    """What these rows are about."""
    return tuple(of_trade(trade) for trade in _newest_first(state))
