"""status.json, made of the View."""

from __future__ import annotations

from engine.model.chart import ChartView
from engine.model.instrument import ONE
from engine.model.orders import AccountKind
from engine.model.view import BookView, ContractView, PositionView, View
from tstream.clock import iso
from tstream.files.model import (
    StatusAccount,
    StatusFile,
    StatusLink,
    StatusPatterns,
    StatusPosition,
    StatusTrading,
)

_TRENDS = {1: "BULLISH", -1: "BEARISH", 0: "NEUTRAL"}


def active_contract(view: View) -> str:
    """The contract that the books of the mode hold, or else the first; empty where there is none."""
    held = [one.instrument for one in view.contracts if one.position_qty]
    return next(iter([*held, *(one.instrument for one in view.contracts)]), "")


def status_file(view: View, chart: ChartView | None, wall: int, *, alive: bool) -> StatusFile:
    """`chart` is the active contract's, where there is one; `wall` the machine's time, nanoseconds UTC."""
    contracts = {one.instrument: one for one in view.contracts}
    positions = [_position(one, contracts.get(one.instrument)) for one in view.positions]
    kinds = {book.book: book.kind for book in view.books}
    accounts = [_account(book, view) for book in view.books]
    counted = [one for one in accounts if one.kind == view.mode.value]
    active = active_contract(view)
    current = [one for one in positions if one.contract == active and kinds.get(one.book) is view.mode]
    can, why = _can_trade(view)
    return StatusFile(
        timestamp=iso(wall),
        engine_time=iso(view.ts),
        is_alive=alive,
        mode=view.mode.value,
        uptime_s=view.uptime_ns // 1_000_000_000,
        account=counted[0] if counted else None,
        trading=StatusTrading(
            can_trade=can and alive,
            why_not=why if alive else "the run has ended",
            current_stage=_stage(view),
            active_contract=active,
            current_position=current[0] if current else None,
        ),
        patterns_detected=_patterns(view, chart, active),
        accounts=tuple(accounts),
        positions=tuple(positions),
        links=tuple(
            StatusLink(name=one.name, state=one.state.value, detail=one.detail) for one in view.links
        ),
    )


def _account(book: BookView, view: View) -> StatusAccount:
    return StatusAccount(
        book=book.book,
        kind=book.kind.value,
        currency=book.currency,
        balance_usd=book.balance_usd,
        daily_pnl_usd=book.day_usd,
        open_positions=sum(one.book == book.book for one in view.positions),
        margin_used_usd=book.margin.used_usd,
        available_margin_usd=book.margin.available_usd,
    )


def _position(held: PositionView, contract: ContractView | None) -> StatusPosition:
    lot = contract.lot_size if contract is not None else ONE
    return StatusPosition(
        book=held.book,
        contract=held.instrument,
        side=side_word(held.qty),
        quantity=abs(held.qty) * lot,
        entry_price=held.entry,
        current_price=held.mark,
        unrealized_pnl_usd=held.open_usd,
        unrealized_pnl_ticks=held.open_ticks,
        stop_loss=held.stop,
        take_profit=held.targets[0] if held.targets else None,
    )


def side_word(qty: int) -> str:
    return "LONG" if qty > 0 else "SHORT"


def _can_trade(view: View) -> tuple[bool, str]:
    """Whether an entry could pass anywhere, and if not, what is against it in the first contract."""
    if not view.contracts:
        return False, "no contract is known yet"
    if not any(book.kind is view.mode for book in view.books):
        return False, "no account is known yet"
    if any(not one.against for one in view.contracts):
        return True, ""
    return False, view.contracts[0].against[0].sentence


def _stage(view: View) -> str:
    book = next((one for one in view.books if one.kind is view.mode), None)
    if book is not None and book.kind is AccountKind.LIVE and book.stage is not None:
        return book.stage.value.upper()
    return view.mode.value.upper()


def _patterns(view: View, chart: ChartView | None, active: str) -> StatusPatterns:
    zones = chart.zones if chart is not None else ()
    aligned = view.alignment.get(active)
    return StatusPatterns(
        order_blocks=sum(zone.kind == "OB" for zone in zones),
        support_resistance=sum(zone.kind == "S/R" for zone in zones),
        trend=_TRENDS[aligned.direction if aligned is not None else 0],
    )
