"""Gathers what the gate looks at before an entry of one book."""

from __future__ import annotations

from engine.execution.order_manager import Desk
from engine.market import expiry, sessions
from engine.model.config import AlertRoom, EngineConfig
from engine.model.orders import OrderStatus
from engine.model.plans import Idea
from engine.model.view import TradingState
from engine.portfolio.money import Marks, equity_usd, open_risk_usd, room_headroom_usd
from engine.risk import bands
from engine.risk.gate import Circumstances
from engine.risk.guards import Guards
from engine.state.track_record import TrackRecord


def circumstances(
    desk: Desk,
    idea: Idea,
    config: EngineConfig,
    guards: Guards,
    marks: Marks,
    *,
    armed: bool,
    journal_ok: bool,
    venue_up: bool,
    feed_stale: bool,
    room: AlertRoom | None = None,
) -> Circumstances:
    """Everything that may speak against an idea, perhaps of an alert room, in this book now."""
    state, now = desk.turn.state, desk.turn.now
    book, symbol = desk.state, idea.instrument
    restriction = state.restriction(desk.book, symbol)
    live = book.live_orders()
    account = book.account
    limits, figures = guards.account(desk), guards.figures(desk, marks)
    headroom = bands.headroom_usd(config.risk, limits, figures)
    return Circumstances(
        trading=config.trading,
        late_ns=now - idea.ts,
        armed=armed,
        kind=account.kind if account is not None else None,
        state=restriction.state if restriction is not None else TradingState.ACTIVE,
        guard=restriction.guard if restriction is not None else "",
        reconciled=desk.reconciled,
        can_trade=desk.can_trade,
        journal_ok=journal_ok,
        venue_up=venue_up and desk.streaming,
        feed_stale=feed_stale,
        in_hours=guards.in_hours(now),
        ns_to_flat=guards.ns_to_flat(now),
        busy_instrument=bool(
            book.position(symbol).qty
            or any(found.plan.instrument == symbol for found in book.plans.values())
            or any(order.instrument == symbol for order in live)
            or symbol in book.flattening
        ),
        unknown_orders=any(
            order.status is OrderStatus.UNKNOWN and order.instrument == symbol for order in live
        ),
        open_plans=len(book.plans),
        entries_today=book.day.entries,
        losses_in_a_row=book.day.losses_in_a_row,
        open_risk_usd=open_risk_usd(book, state, marks),
        daily_headroom_usd=headroom.get(bands.DAILY_LOSS),
        max_loss_headroom_usd=headroom.get(bands.MAX_LOSS),
        room_micros=bands.room_micros(limits, figures),
        days_to_expiry=expiry.days_left(symbol, state.contract_ids.get(symbol, ""), sessions.trade_date(now)),
        room_headroom_usd=None if room is None else room_headroom_usd(book, state, room),
        equity_usd=(None if desk.balance_usd is None else equity_usd(book, state, marks, desk.balance_usd)),
        record=book.records.get(idea.strategy, TrackRecord()),
    )
