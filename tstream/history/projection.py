"""From records to rows: the state is folded as at a start, and what each record has changed becomes rows.

A function of the records alone: folding the same ones gives the same rows, whenever and wherever. Rows that
are told again are the same rows, by the same keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from engine.model import records as r
from engine.model.history import HistoryRow, KeptAlert, KeptEquity, KeptPrediction, When
from engine.model.notices import Severity
from engine.model.plans import TradePlan
from engine.state import snapshot
from engine.state.fold import apply
from engine.state.position import Position, Trade
from engine.state.state import BookState, State
from engine.state.turn import worded
from engine.state.words import Before, before
from tstream.history import rows
from tstream.history.ledger import Ledger
from tstream.history.opinions import opinion_rows

VERSION = 2
"""Of the rows that are made: a history of another one is told anew."""

_ORDERS = (r.OrderIntended, r.OrderAdopted, r.OrderMoved, r.FillApplied, r.FillSettled)
_HELD = (r.FillApplied, r.PositionAdjusted, r.DustLeft, r.FillSettled, r.ExcursionNoted)
_SILENT = (
    r.EquityNoted,
    r.ExcursionNoted,
    r.DayMarked,
    r.PatternEnded,
    r.OpinionFormed,
    r.OpinionScored,
    r.MoodHeard,
)
"""Records of which nobody is told, and there are many of them."""
_NEWEST = 100
"""Trades that a fill may yet be told of: their plans stay."""
LEARNED = "learned"
"""The part of a score that comes from what was learned of a pattern."""


class _Kept(Struct):
    """What a checkpoint holds."""

    version: int
    state: Raw
    ledgers: dict[str, Ledger]
    plans: dict[str, TradePlan]
    predictions: dict[str, list[KeptPrediction]]
    plans_most: int


class Projection:
    """Takes the records of one journal from the first one on."""

    def __init__(self, journal: str) -> None:
        self.state = State()
        self._journal = journal
        self._ledgers: dict[str, Ledger] = {}
        self._plans: dict[str, TradePlan] = {}
        """Those that are open, or whose trade is."""
        self._plans_most = _NEWEST
        """So many are kept before those that are over are forgotten."""
        self._predictions: dict[str, list[KeptPrediction]] = {}
        """Of plans whose patterns have not ended."""

    def checkpoint(self) -> bytes:
        """All that it knows; `restored` goes on from there."""
        state = Raw(snapshot.encode(self.state))
        return msgspec.json.encode(
            _Kept(VERSION, state, self._ledgers, self._plans, self._predictions, self._plans_most)
        )

    @classmethod
    def restored(cls, journal: str, body: bytes) -> Projection | None:
        """As it was at a checkpoint; None for one that this very version did not write."""
        try:
            kept = msgspec.json.decode(body, type=_Kept)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        state = snapshot.decode(bytes(kept.state))
        if state is None or kept.version != VERSION:
            return None
        found = cls(journal)
        found.state, found._ledgers, found._plans = state, kept.ledgers, kept.plans
        found._predictions, found._plans_most = kept.predictions, kept.plans_most
        return found

    def take(self, seq: int, record: r.AnyRecord) -> list[HistoryRow]:
        """The rows that a record makes or changes. Raises KeyError, IndexError, ValueError for one that does
        not fit those before it.
        """
        state, found = self.state, list[HistoryRow]()
        if isinstance(record, r.PlanOpened | r.PositionFostered):
            self._plans[record.plan.plan_id] = record.plan
        if isinstance(record, r.PlanOpened):
            found += self._predicted(seq, record)
        elif isinstance(record, r.AccountKnown):
            found += self._account(seq, record)
        elif isinstance(record, r.OpinionFormed):
            found += opinion_rows(self._journal, seq, record, None)
        elif isinstance(record, r.OpinionScored) and record.id in state.opinions.waiting:
            found += opinion_rows(self._journal, seq, state.opinions.waiting[record.id], record)
        fresh = self._is_fresh(record)
        held = self._held_before(record) if isinstance(record, _HELD) and fresh else None
        was = self._before(record)
        apply(state, record)
        if isinstance(record, _ORDERS):
            found += self._order(seq, record)
        if isinstance(record, r.FillApplied) and fresh:
            found += self._fill(seq, record)
        elif isinstance(record, r.FillSettled) and fresh:
            found += self._settled(seq, record)
        if held is not None:
            found += self._held_after(seq, record, *held)
        if isinstance(record, r.EquityNoted):
            found.append(self._equity(seq, record))
        elif isinstance(record, r.DayRolled):
            found += self._day(seq, record)
        elif isinstance(record, r.PatternEnded):
            found += self._pattern(seq, record)
        elif isinstance(record, r.PlanChanged):
            self._forget_plans()
        found += self._alert(seq, record, was)
        return found

    def _is_fresh(self, record: r.AnyRecord) -> bool:
        """Whether a fill counts: each does once, and one that settles another needs that one."""
        match record:
            case r.FillApplied():
                return record.fill.trade_id not in self.state.book(record.book).fills_seen
            case r.FillSettled():
                return record.fill is not None and record.client_id in self.state.book(record.book).orders
        return True

    def _ledger(self, book: str) -> Ledger:
        return self._ledgers.setdefault(book, Ledger())

    def _stamp(self, book: str, seq: int, ts: int) -> dict[str, Any]:
        """What every row has."""
        return {"journal": self._journal, "book": book, "seq": seq, "timestamp": When(ts)}

    # --- orders and fills ------------------------------------------------------------------------------

    def _order(self, seq: int, record: Any) -> Iterator[HistoryRow]:
        book = self.state.book(record.book)
        order = book.orders.get(record.client_id)
        if order is not None:
            yield rows.order_row(self.state, book, order, **self._stamp(book.book, seq, order.created_ts))

    def _fill(self, seq: int, record: r.FillApplied) -> Iterator[HistoryRow]:
        fill = record.fill
        known = self.state.instruments[fill.instrument]
        stamp = self._stamp(record.book, seq, fill.ts_venue)
        row = rows.fill_row(known, fill, fill.trade_id, record.client_id, **stamp)
        if record.inferred:
            row = replace(row, inferred=True)
            self._ledger(record.book).inferred.setdefault(record.client_id, []).append((row, fill.qty))
        yield row

    def _settled(self, seq: int, record: r.FillSettled) -> Iterator[HistoryRow]:
        """The fill that was told takes the place of what was concluded, first of the oldest."""
        fill, waiting = record.fill, self._ledger(record.book).inferred.get(record.client_id)
        if fill is None or not waiting:
            return
        known = self.state.instruments[fill.instrument]
        left = fill.qty
        while left and waiting:
            row, lots = waiting.pop(0)
            taken = min(left, lots)
            left -= taken
            row = replace(row, seq=seq, settled_quantity=row.settled_quantity + known.qty(taken))
            if taken < lots:
                waiting.insert(0, (row, lots - taken))
            yield row
        counted = fill.qty - left
        told = replace(fill, qty=counted, cost_usd=fill.cost_usd * counted / fill.qty) if left else fill
        stamp = self._stamp(record.book, seq, fill.ts_venue)
        yield rows.fill_row(known, told, record.trade_id, record.client_id, **stamp)

    # --- positions and trades --------------------------------------------------------------------------

    def _held_before(self, record: Any) -> tuple[str, Position, list[Trade]]:
        """Instrument, the position, and the trades (of most records the newest alone), before the record."""
        book = self.state.book(record.book)
        fill = getattr(record, "fill", None)
        symbol = getattr(record, "instrument", "") if fill is None else fill.instrument
        trades = list(book.trades) if isinstance(record, r.FillSettled) else book.trades[-1:]
        return symbol, replace(book.position(symbol)), trades

    def _held_after(
        self, seq: int, record: Any, symbol: str, was: Position, trades: list[Trade]
    ) -> Iterator[HistoryRow]:
        book = self.state.book(record.book)
        ledger, now = self._ledger(book.book), book.position(symbol)
        stamp = self._stamp(book.book, seq, record.ts)
        if isinstance(record, r.FillSettled):
            for n, (old, new) in enumerate(zip(trades, book.trades, strict=True)):
                if old is not new:
                    if self.state.counts(book, symbol):
                        ledger.mended(old, new)
                    yield from self._ended(book, new, *ledger.trades[n], **stamp)
        elif book.trades and (not trades or book.trades[-1] is not trades[-1]):
            trade = book.trades[-1]
            opened = ledger.ended(symbol, seq, trade, counts=self.state.counts(book, symbol))
            yield from self._ended(book, trade, seq, opened, **stamp)
            yield rows.risk_row(self.state, book, ledger, **stamp)
            self._forget_plans()
        if now.qty and now != was:
            opened = ledger.positions.setdefault(symbol, seq)
            yield rows.position_row(self.state, book, now, opened, self._plans, **stamp)

    def _ended(
        self, book: BookState, trade: Trade, ended: int, opened: int, /, **stamp: Any
    ) -> Iterator[HistoryRow]:
        closed = stamp | {"timestamp": When(trade.closed_ts)}
        yield rows.trade_row(self.state, book, trade, ended, self._plans, **closed)
        yield rows.closed_row(self.state, book, trade, opened, self._plans, **stamp)

    def _account(self, seq: int, record: r.AccountKnown) -> Iterator[HistoryRow]:
        """Of another account nothing that is known is about: what was open is not seen any more."""
        book, account = self.state.book(record.book), record.account
        if book.account is not None and book.account.id == account.id:
            return
        stamp = self._stamp(book.book, seq, record.ts)
        for symbol, opened in self._ledger(record.book).positions.items() if book.account else ():
            row = rows.position_row(self.state, book, book.position(symbol), opened, self._plans, **stamp)
            yield replace(row, status="left")
        self._ledgers[record.book] = Ledger(start_usd=account.balance_usd)

    # --- money -----------------------------------------------------------------------------------------

    def _equity(self, seq: int, record: r.EquityNoted) -> KeptEquity:
        book, ledger = self.state.book(record.book), self._ledger(record.book)
        ledger.count_days(book)
        return KeptEquity(
            **self._stamp(record.book, seq, record.ts),
            equity_usd=ledger.worth(record.total_usd),
            day_pnl_usd=record.total_usd,
            day_high_usd=record.high_usd,
            day_low_usd=record.low_usd,
            day_drawdown_usd=record.drawdown_usd,
        )

    def _day(self, seq: int, record: r.DayRolled) -> Iterator[HistoryRow]:
        for book in self.state.books.values():
            if book.calendar == record.calendar:
                ledger = self._ledger(book.book)
                ledger.count_days(book)
                yield rows.risk_row(self.state, book, ledger, **self._stamp(book.book, seq, record.ts))

    # --- what models said ------------------------------------------------------------------------------

    def _predicted(self, seq: int, record: r.PlanOpened) -> Iterator[KeptPrediction]:
        plan, said = record.plan, list[KeptPrediction]()
        told: list[tuple[str, float, float | None, int]] = [
            ("patterns", part.value, None, part.samples)
            for part in plan.parts
            if part.name == LEARNED and part.value is not None
        ]
        if plan.expectation is not None:
            expected = plan.expectation
            told.append(("backtest", expected.mean_r, expected.confidence, expected.trades))
        for name, value, confidence, samples in told:
            said.append(
                KeptPrediction(
                    **self._stamp(plan.book, seq, record.ts),
                    plan_id=plan.plan_id,
                    model_name=name,
                    symbol=plan.instrument,
                    prediction=value,
                    confidence=confidence,
                    samples=samples,
                    actual=None,
                    error=None,
                )
            )
        if said:
            self._predictions[plan.plan_id] = said
        yield from said

    def _pattern(self, seq: int, record: r.PatternEnded) -> Iterator[KeptPrediction]:
        for said in self._predictions.pop(record.plan_id, ()):
            yield replace(said, seq=seq, actual=record.r, error=said.prediction - record.r)

    # --- what people are told --------------------------------------------------------------------------

    def _before(self, record: r.AnyRecord) -> Before | None:
        if isinstance(record, _SILENT):
            return None
        try:
            return before(self.state, record)
        except Exception:  # noqa: BLE001  # words are for people: nothing else hangs on them
            return None

    def _alert(self, seq: int, record: r.AnyRecord, was: Before | None) -> Iterator[KeptAlert]:
        if was is None:
            return
        try:
            notice = worded(self.state, record, was, seq, record.ts)
        except Exception:  # noqa: BLE001
            return
        told = isinstance(record, r.AlertTaken)
        if notice is None or (notice.severity not in (Severity.WARNING, Severity.CRITICAL) and not told):
            return
        message = rows.alert_row(notice, **self._stamp(notice.book or "", seq, record.ts))
        if isinstance(record, r.AlertTaken):
            message = replace(
                message, kind="room", room=record.room, author=record.author, verdict=record.verdict.value
            )
        yield message

    def _forget_plans(self) -> None:
        """Plans that are over, and whose trade is, are needed no more."""
        if len(self._plans) < self._plans_most:
            return
        books = self.state.books.values()
        used = {plan_id for book in books for plan_id in book.plans}
        used |= {position.plan_id for book in books for position in book.positions.values()}
        used |= {trade.plan_id for book in books for trade in book.trades[-_NEWEST:]}
        self._plans = {name: plan for name, plan in self._plans.items() if name in used}
        self._predictions = {name: said for name, said in self._predictions.items() if name in used}
        self._plans_most = 2 * max(_NEWEST, len(self._plans))
