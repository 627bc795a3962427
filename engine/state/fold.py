"""`apply(state, record)`: the fold that `step` and start-up share, one function per kind of record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from engine.model import records as r
from engine.model.commands import ManualCommand, NoteTrade
from engine.model.orders import OrderStatus, Slot
from engine.model.plans import PlanStatus, command_of
from engine.model.restrictions import TradingState
from engine.state import fold_alerts, fold_opinions, fold_shares, fold_signals
from engine.state.answers import Answered, answered
from engine.state.fold_days import (
    balance_marked,
    clock_found,
    day_marked,
    day_rolled,
    equity_noted,
)
from engine.state.fold_fills import dust_left, fill_applied, position_adjusted
from engine.state.fold_late_fills import fill_settled
from engine.state.legs import LegState
from engine.state.state import (
    TRADES_KEPT,
    BookState,
    Order,
    PlanState,
    Restriction,
    State,
    bot_key,
    month_key,
    scope,
)


def apply(state: State, record: r.AnyRecord) -> None:
    """Change the state by one record, in place."""
    FOLDS[type(record)](state, record)
    state.last_ts = record.ts


def _run_started(state: State, record: r.RunStarted) -> None:
    state.install, state.boot, state.issued = record.install, record.boot, 0
    state.opinions.predictor = None


def _contract_known(state: State, record: r.ContractKnown) -> None:
    symbol, venue = record.instrument.symbol, record.venue
    before, name = state.month(symbol, venue)
    if before not in ("", record.contract_id):
        for book in state.books.values():
            if (
                (book.at(venue) if book.venue else record.priced)
                and symbol in book.positions
                and book.positions[symbol].qty
            ):
                book.held_months.setdefault(symbol, name)
                book.held_ids.setdefault(symbol, before)
    state.instruments[symbol] = record.instrument
    if venue:  # what an older run has written without one is the same venue's
        state.contracts.pop(symbol, None)
        state.contract_ids.pop(symbol, None)
    key = month_key(venue, symbol)
    state.contracts[key] = record.name
    state.contract_ids[key] = record.contract_id


def _account_known(state: State, record: r.AccountKnown) -> None:
    """What a book knows is about one account, and of another one nothing is known."""
    book = state.kept_book(record.book)
    before = book.calendar
    if book.account is not None and book.account.id != record.account.id:
        book = state.books[record.book] = BookState(record.book)
    book.account, book.venue, book.calendar = record.account, record.venue, record.calendar
    if before != book.calendar and all(one.calendar != before for one in state.books.values()):
        state.days.pop(before, None)  # days that nobody counts are not missed either


def _nothing(state: State, record: r.AnyRecord) -> None:
    """A fact for people to read, or an intent: its consequences are records of their own."""


def _bot_switched(state: State, record: r.BotSwitched) -> None:
    state.stopped_bots.pop(record.bot, None)
    if record.running:
        fold_signals.begun_anew(state, record.bot)
    else:
        state.stopped_bots[record.bot] = record.by


def _plan_opened(state: State, record: r.PlanOpened) -> None:
    plan = record.plan
    book = state.kept_book(plan.book)
    found = book.plans[plan.plan_id] = PlanState(plan, [LegState() for _ in plan.legs])
    fold_shares.plan_opened(book, found)
    fold_signals.signal(state, record)
    book.day.entries += 1
    if plan.bot:
        book.bot_entries[plan.bot] = book.bot_entries.get(plan.bot, 0) + 1
        book.bot_entered_ts[bot_key(plan.bot, plan.instrument)] = record.ts
    fold_alerts.plan_opened(state, plan)
    by_hand = command_of(plan.origin)
    if by_hand:  # known at once, whatever becomes of the record with its answer
        answered(state.answers, by_hand, Answered(f"plan {plan.plan_id} was opened", done=True))


def _idea_refused(state: State, record: r.IdeaRefused) -> None:
    fold_alerts.idea_refused(state, record)
    fold_signals.signal(state, record)


def _command_taken(state: State, record: r.CommandTaken) -> None:
    """What orders by hand came to is kept: the same command again does nothing again."""
    command = record.command
    if isinstance(command, NoteTrade) and record.done:
        _noted(state.kept_book(command.book), command)
    if isinstance(command, ManualCommand) and not getattr(command, "dry_run", False):
        answered(state.answers, command.id, Answered(record.answer, record.done))


def _noted(book: BookState, command: NoteTrade) -> None:
    """The newest note counts; as many are kept as trades are."""
    book.notes.pop(command.trade, None)
    if command.text:
        book.notes[command.trade] = command.text
        if len(book.notes) > TRADES_KEPT:
            del book.notes[next(iter(book.notes))]


def _plan_changed(state: State, record: r.PlanChanged) -> None:
    book = state.kept_book(record.book)
    if record.status is PlanStatus.CLOSED:
        over = book.plans.pop(record.plan_id, None)
        if over is not None:
            fold_alerts.plan_closed(state, over.plan)
            fold_shares.plan_closed(state, book, over)
        return
    found = book.plans[record.plan_id]
    if record.legs is not None:
        found.legs.extend(LegState() for _ in record.legs[len(found.legs) :])
    found.plan = structs.replace(
        found.plan,
        legs=found.plan.legs if record.legs is None else record.legs,
        status=found.plan.status if record.status is None else record.status,
        entry_limit=found.plan.entry_limit if record.entry_limit is None else record.entry_limit,
        entry_stop=found.plan.entry_stop if record.entry_stop is None else record.entry_stop,
        trail=found.plan.trail if record.trail is None else record.trail,
    )


def _order_intended(state: State, record: r.OrderIntended) -> None:
    book = state.kept_book(record.book)
    state.issued += 1
    _take_slot(book, record)
    if record.slot is Slot.ENTRY and record.plan_id in book.plans:
        fold_alerts.order_intended(state, book.plans[record.plan_id].plan, record.ts)


def _order_adopted(state: State, record: r.OrderAdopted) -> None:
    book = state.kept_book(record.book)
    order = _take_slot(book, record)
    order.status, order.venue_id, order.suspended = OrderStatus.WORKING, record.venue_id, record.suspended
    book.venue_ids[record.venue_id] = record.client_id


def _take_slot(book: BookState, record: r.OrderIntended | r.OrderAdopted) -> Order:
    order = Order(
        record.client_id,
        record.book,
        record.instrument,
        record.spec,
        record.plan_id,
        record.leg,
        record.slot,
        record.ts,
        changed_ts=record.ts,
    )
    book.orders[order.client_id] = order
    book.unfinished.append(order.client_id)
    plan = book.plans.get(order.plan_id or "")
    if plan is not None and order.slot is not None:
        plan.legs[order.leg].slots[order.slot] = order.client_id
    return order


def _order_moved(state: State, record: r.OrderMoved) -> None:
    book = state.kept_book(record.book)
    order = book.orders[record.client_id]
    refused = record.event is r.OrderEvent.REQUEST_REFUSED
    after = order.after(record.event)
    if after is None:
        return  # an anomaly: written down for people, and nothing changes
    if record.event is r.OrderEvent.CANCEL_REQUESTED:
        order.cancel_wanted = True
    elif refused:
        order.cancel_wanted = False
    order.status = after
    order.changed_ts = record.ts
    order.venue_ts = max(order.venue_ts, record.ts_venue)
    if record.reason:
        order.reason = record.reason
    if record.venue_id is not None:
        order.venue_id = record.venue_id
        book.venue_ids[record.venue_id] = order.client_id
        fold_alerts.order_accepted(state, book, order, record.ts)
    if record.event is not r.OrderEvent.MODIFY_REQUESTED:
        qty, limit, stop, spec = record.qty, record.limit, record.stop, order.spec
        if qty is not None or limit is not None or stop is not None:
            order.spec = structs.replace(
                spec,
                qty=spec.qty if qty is None else qty,
                limit=spec.limit if limit is None else limit,
                stop=spec.stop if stop is None else stop,
            )
        if order.live and order.filled_qty >= order.qty:
            order.status = OrderStatus.FILLED  # made smaller, down to what has been filled
    if record.suspended is not None:
        order.suspended = record.suspended
    book.shelve(order)


def _day_rolled(state: State, record: r.DayRolled) -> None:
    day_rolled(state, record)
    fold_alerts.day_rolled(state, record)
    for book in state.books.values():
        if book.calendar == record.calendar:
            fold_shares.day_rolled(state, book)


def _state_changed(state: State, record: r.StateChanged) -> None:
    key = scope(record.book, record.instrument)
    present = state.restrictions.get(key)
    if record.state is TradingState.ACTIVE:
        state.restrictions.pop(key, None)
        return
    wanted = Restriction(
        record.state, record.reason, record.until, record.guard, record.trades_stay, record.basis, record.by
    )
    if present is None or wanted.replaces(present):  # only a resume, or its own end, makes it weaker
        state.restrictions[key] = wanted


def _flatten_started(state: State, record: r.FlattenStarted) -> None:
    book = state.kept_book(record.book)
    for instrument in record.instruments:
        book.flattening[instrument] = record.reason
    for plan in book.plans.values():
        if plan.plan.instrument in record.instruments:
            plan.plan = structs.replace(plan.plan, status=PlanStatus.CLOSING)


def _close_requested(state: State, record: r.CloseRequested) -> None:
    """An intent; what comes of it are records of its own."""
    if record.client_id:
        state.issued += 1


def _flatten_ended(state: State, record: r.FlattenEnded) -> None:
    state.kept_book(record.book).flattening.pop(record.instrument, None)


def _reverse_begun(state: State, record: r.ReverseBegun) -> None:
    state.reversing[scope(record.book, record.command.instrument)] = record


def _reverse_ended(state: State, record: r.ReverseEnded) -> None:
    state.reversing.pop(scope(record.book, record.instrument), None)


def _brackets_known(state: State, record: r.BracketsKnown) -> None:
    state.kept_book(record.book).brackets = record.native


def _position_fostered(state: State, record: r.PositionFostered) -> None:
    plan = record.plan
    leg = LegState(plan.qty, record.price * plan.qty, entry_ts=record.ts)
    state.kept_book(plan.book).plans[plan.plan_id] = PlanState(plan, [leg], fostered=True)


def _contracts_shifted(state: State, record: r.ContractsShifted) -> None:
    legs = state.kept_book(record.book).plans[record.plan_id].legs
    source, target = legs[record.source], legs[record.target]
    # At the average of the leg that gives them: the sums stay whole because nothing of it has left.
    total = source.entered_sum * record.qty
    share = total // source.entered
    source.entered, source.entered_sum = source.entered - record.qty, source.entered_sum - share
    target.entered, target.entered_sum = target.entered + record.qty, target.entered_sum + share
    target.entry_ts = target.entry_ts or source.entry_ts
    fold_shares.settle(target)


def _excursion_noted(state: State, record: r.ExcursionNoted) -> None:
    position = state.kept_book(record.book).kept_position(record.instrument)
    position.mae_usd = min(position.mae_usd, record.worst_usd)
    position.mfe_usd = max(position.mfe_usd, record.best_usd)


FOLDS: dict[type, Callable[[State, Any], None]] = {
    r.RunStarted: _run_started,
    r.ClockFound: clock_found,
    r.RecordsLost: _nothing,
    r.BotOut: _nothing,
    r.BotSwitched: _bot_switched,
    r.SettingsChanged: _nothing,
    r.LooseningAnswered: _nothing,
    r.ContractKnown: _contract_known,
    r.AccountKnown: _account_known,
    r.DayRolled: _day_rolled,
    r.DayMarked: day_marked,
    r.BalanceMarked: balance_marked,
    r.CommandTaken: _command_taken,
    r.IdeaRefused: _idea_refused,
    r.IdeaDeclined: fold_signals.signal,
    r.PatternEnded: fold_signals.pattern_ended,
    r.PlanOpened: _plan_opened,
    r.PlanChanged: _plan_changed,
    r.OrderIntended: _order_intended,
    r.OrderAdopted: _order_adopted,
    r.OrderMoved: _order_moved,
    r.FillApplied: fill_applied,
    r.FillSettled: fill_settled,
    r.PositionAdjusted: position_adjusted,
    r.DustLeft: dust_left,
    r.StateChanged: _state_changed,
    r.FlattenStarted: _flatten_started,
    r.ReverseBegun: _reverse_begun,
    r.ReverseEnded: _reverse_ended,
    r.CloseRequested: _close_requested,
    r.FlattenEnded: _flatten_ended,
    r.Reconciled: _nothing,
    r.BracketsKnown: _brackets_known,
    r.PositionFostered: _position_fostered,
    r.ContractsShifted: _contracts_shifted,
    r.ExcursionNoted: _excursion_noted,
    r.EquityNoted: equity_noted,
    r.AlertTaken: fold_alerts.alert_taken,
    r.PredictorChanged: fold_opinions.predictor_changed,
    r.OpinionFormed: fold_opinions.opinion_formed,
    r.OpinionScored: fold_opinions.opinion_scored,
    r.MoodHeard: fold_opinions.mood_heard,
}
