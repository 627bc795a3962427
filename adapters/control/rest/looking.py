"""Handlers that look. They read the View, and a chart where bars are asked for; nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from adapters.control.rest.problem import ApiProblem, Code
from adapters.control.rest.service import ApiCall
from adapters.control.rest.shapes import (
    AlertsReply,
    AliveReply,
    BookQuery,
    HealthReply,
    JournalQuery,
    Kline,
    KlinesQuery,
    KlinesReply,
    ListQuery,
    OpinionReply,
    OrdersReply,
    PatternsReply,
    PerformanceReply,
    PositionsReply,
    SettingsReply,
    SubscribedReply,
    SubscribeRequest,
    TickerReply,
    TickerRow,
    TradesReply,
    TryRequest,
)
from engine.model.alert_tries import AlertTried, TryAlert
from engine.model.market import NANOS, Bar
from engine.model.notices import Severity
from engine.model.restrictions import TradingState
from engine.model.review import JournalAsked, JournalTold
from engine.model.view import ContractView, OrderView, PositionView, TradeView, View

_MS = 1_000_000
_ROW = TypeVar("_ROW", OrderView, PositionView, TradeView)


async def status(call: ApiCall) -> AliveReply:
    view = await call.api.view()
    alive, version = not view.health.stopped, call.api.config.version
    if call.who is None:
        return AliveReply(alive=alive, version=version)
    everywhere = [one for one in view.restrictions if not one.book and not one.instrument]
    return AliveReply(
        alive=alive,
        version=version,
        ts=view.ts,
        uptime_s=view.uptime_ns // NANOS,
        mode=view.mode,
        venue=view.venue,
        practice_time=view.practice_time,
        trading=max((one.state for one in everywhere), key=lambda one: one.rank, default=TradingState.ACTIVE),
        ok=view.health.ok,
        detail=view.health.detail,
        session=view.session,
        books=tuple(book.book for book in view.books),
        contracts=tuple(contract.instrument for contract in view.contracts),
        restrictions=view.restrictions,
    )


async def orders(call: ApiCall) -> OrdersReply:
    view = await call.api.view()
    return OrdersReply(view.ts, _chosen(view.orders, call.query))


async def positions(call: ApiCall) -> PositionsReply:
    view = await call.api.view()
    query: BookQuery = call.query
    found = tuple(one for one in view.positions if query.book in (None, one.book))
    return PositionsReply(view.ts, found)


async def trades(call: ApiCall) -> TradesReply:
    view = await call.api.view()
    return TradesReply(view.ts, _chosen(view.trades, call.query))


def _chosen(rows: tuple[_ROW, ...], query: ListQuery) -> tuple[_ROW, ...]:
    found = [row for row in rows if query.book in (None, row.book) and query.symbol in (None, row.instrument)]
    return tuple(found[-query.limit :])


async def ticker(call: ApiCall) -> TickerReply:
    view = await call.api.view()
    return TickerReply(view.ts, as_ticker(known_contract(view, call.path["symbol"])))


def as_ticker(one: ContractView) -> TickerRow:
    return TickerRow(
        symbol=one.instrument,
        name=one.name,
        bid=one.bid,
        ask=one.ask,
        last=one.last,
        change=one.change,
        age_ms=None if one.age_ns is None else one.age_ns // _MS,
        stale=one.stale,
        delayed=one.delayed,
        tick_size=one.tick_size,
        lot_size=one.lot_size,
        currency=one.currency,
        trading=one.state,
        position_qty=one.position_qty,
    )


async def klines(call: ApiCall) -> KlinesReply:
    query: KlinesQuery = call.query
    contract = known_contract(await call.api.view(), call.path["symbol"])
    chart = await call.api.look.chart(contract.instrument, query.interval)
    if chart is None:
        raise ApiProblem(Code.NOT_NOW, "the engine is too busy to draw its bars", "ask again in a second")
    found = [_kline(bar, contract, closed=True) for bar in chart.bars[-query.limit :]]
    if chart.forming is not None:
        found.append(_kline(chart.forming, contract, closed=False))
    return KlinesReply(contract.instrument, query.interval, tuple(found[-query.limit :]))


def _kline(bar: Bar, contract: ContractView, *, closed: bool) -> Kline:
    tick = contract.tick_size
    return Kline(
        open_ts=bar.open_ts,
        close_ts=bar.close_ts,
        open=bar.open * tick,
        high=bar.high * tick,
        low=bar.low * tick,
        close=bar.close * tick,
        volume=Decimal(bar.volume) * contract.lot_size,
        closed=closed,
        gap=bar.gap,
    )


async def try_alert(call: ApiCall) -> AlertTried:
    body = call.body
    assert isinstance(body, TryRequest)
    told = await call.api.look_up(TryAlert(body.text, body.room))
    assert isinstance(told, AlertTried)
    return told


async def journal(call: ApiCall) -> JournalTold:
    query: JournalQuery = call.query
    told = await call.api.look_up(JournalAsked(query.span, query.day, query.book or ""))
    assert isinstance(told, JournalTold)
    return told


async def subscribe(call: ApiCall) -> SubscribedReply:
    view, body = await call.api.view(), call.body
    assert isinstance(body, SubscribeRequest)
    symbols = frozenset(known_contract(view, symbol).instrument for symbol in body.symbols)
    call.api.wanted[call.caller.token.id] = symbols
    return SubscribedReply(tuple(sorted(symbols)), "/ws")


def known_contract(view: View, symbol: str) -> ContractView:
    """Raises ApiProblem."""
    found = next((one for one in view.contracts if symbol in (one.instrument, one.name)), None)
    if found is None:
        known = ", ".join(one.instrument for one in view.contracts) or "none yet"
        raise ApiProblem(
            Code.NOT_FOUND,
            f"{symbol} is not watched by this engine; it watches {known}",
            "add it to contracts in tstream.toml and start the engine again",
        )
    return found


async def performance(call: ApiCall) -> PerformanceReply:
    view = await call.api.view()
    query: BookQuery = call.query
    books = tuple(one for one in view.books if query.book in (None, one.book))
    over_days = tuple(one for one in view.performance if query.book in (None, one.book))
    return PerformanceReply(view.ts, books, view.bots, over_days)


async def health(call: ApiCall) -> HealthReply:
    view = await call.api.view()
    return HealthReply(view.ts, view.health, view.links)


async def settings(call: ApiCall) -> SettingsReply:
    return SettingsReply(dict(call.api.config.settings()))


async def patterns(call: ApiCall) -> PatternsReply:
    view = await call.api.view()
    return PatternsReply(view.ts, view.patterns)


async def opinion(call: ApiCall) -> OpinionReply:
    view = await call.api.view()
    return OpinionReply(view.ts, view.opinion)


async def alerts(call: ApiCall) -> AlertsReply:
    view = await call.api.view()
    grave = Severity.WARNING, Severity.CRITICAL
    return AlertsReply(view.ts, view.alerts, tuple(one for one in view.notices if one.severity in grave))
