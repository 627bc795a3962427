"""Positions, working orders and finished trades as tables."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.market import NANOS
from engine.model.orders import AccountKind, OrderStatus, Slot
from engine.model.view import OrderView, PositionView, TradeView
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.shared import kind_mark
from tui.screen_state import ScreenState
from tui.styled_text import Column, Row, cell, fit, table
from tui.things import Things, of_order, of_position, of_trade
from tui.view_facts import contract_of, currency_of

SLOT_STYLES = {Slot.ENTRY: "entry", Slot.STOP: "stop", Slot.TARGET: "target", Slot.PART: "entry"}

_POSITIONS = (
    Column("contract", "<"),
    Column("side", "<"),
    Column("entry", rank=3),
    Column("mark", rank=4),
    Column("P&L USD", least=9),
    Column("ticks", rank=6, least=6),
    Column("stop", rank=2),
    Column("target", rank=5),
    Column("MAE", rank=8),
    Column("MFE", rank=8),
    Column("held", rank=9),
    Column("book", "<", rank=7),
    Column("strategy", "<", rank=10),
)

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
        return cell("no stop!", "error bold")
    text = figures.price(position.stop, state.decimals(position.instrument))
    if position.protected_qty < open_qty:
        covered = state.quantity(position.instrument, position.protected_qty)
        return cell(f"{text} {covered}/{state.quantity(position.instrument, open_qty)}!", "warn bold")
    return cell(text, "stop")


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
        _name(state, position.instrument, position.kind, position.contract),
        cell("flattening…", "warn bold") if flattening else _side(state, position.instrument, position.qty),
        cell(figures.price(position.entry, digits)),
        cell(figures.price(position.mark, digits), "stale" if stale else "text"),
        _amount(state, position.instrument, position.open_usd, f"{tone} bold"),
        cell(figures.signed(position.open_ticks, int(position.open_ticks % 1 != 0)), tone),
        _stop(state, position),
        cell(target, "target" if targets else "dim"),
        cell(figures.signed(position.mae_usd), "dim"),
        cell(figures.signed(position.mfe_usd), "dim"),
        cell(f"{held // (60 * NANOS)}:{held // NANOS % 60:02d}", "dim"),
        cell(plain(position.book), "dim"),
        cell(plain(position.strategy), "dim"),
    )


def position_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and rows of the open positions, the shown contract first."""
    return table(_columns(state, _POSITIONS), [_position(state, p) for p in state.positions], width)


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
