"""Believable pictures for an engine to serve."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.model.chart import AlignmentView, FrameView
from engine.model.events import LinkState
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Side, Timeframe
from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from engine.model.orders import AccountKind, OrderStatus, OrderType, Slot
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import (
    Band,
    BookView,
    ContractView,
    EquityPoint,
    EquityView,
    HealthView,
    LimitView,
    LinkView,
    OrderView,
    PositionView,
    SessionPhase,
    SessionView,
    TradeView,
    View,
)
from tests.tui.charts import LAST, NOW, closes
from tests.tui.signals import patterns, signals


def contracts() -> tuple[ContractView, ...]:
    """The six futures, some up, some down."""
    changes = {"MNQ": "12.50", "NQ": "12.25", "MES": "3.75", "ES": "3.50", "MGC": "-4.2", "GC": "-4.1"}
    held = {"MNQ": 2, "MGC": -1}
    found = []
    for i, (symbol, instrument) in enumerate(CME_FUTURES.items()):
        last = Decimal(LAST[symbol])
        found.append(
            ContractView(
                instrument=symbol,
                name=f"{symbol}Z6",
                description=instrument.description,
                tick_size=instrument.tick_size,
                tick_value_usd=instrument.tick_value_usd,
                decimals=instrument.decimals,
                bid=last - instrument.tick_size,
                ask=last,
                last=last,
                change=Decimal(changes[symbol]),
                age_ns=(100 + 130 * i) * 1_000_000,
                stale=False,
                state=TradingState.ACTIVE,
                position_qty=held.get(symbol, 0),
                closes=closes(instrument),
            )
        )
    return tuple(found)


def alignment(instrument: str) -> AlignmentView:
    """Four of five timeframes agree."""
    frames = (
        FrameView(Timeframe.M1, 1, 72, 15, "OB held 21021.25"),
        FrameView(Timeframe.M5, 1, 91, 30, "BOS up"),
        FrameView(Timeframe.M15, 1, 64, 25, "S/R 21012.00 ×3"),
        FrameView(Timeframe.M30, 0, 22, 20, "range"),
        FrameView(Timeframe.H1, 1, 55, 10, "above previous day's high"),
    )
    reasons = ("4 of 5 timeframes agree", "reward to risk 2.1", "volume 1.4 times its average")
    return AlignmentView(instrument, frames, 74, 1, 4, "long 2, taken at 09:41:30", reasons)


def positions(book: str = "practice", kind: AccountKind = AccountKind.PRACTICE) -> tuple[PositionView, ...]:
    """Long two MNQ, short one MGC, both protected."""
    return (
        PositionView(
            book, kind, "MNQ", 2, Decimal("21028.50"), Decimal("21034.00"), Decimal("22.00"), Decimal(44),
            Decimal("-3.00"), Decimal("31.50"), Decimal("21020.00"),
            (Decimal("21041.25"), Decimal("21052.00")), 2, "zones", NOW - 47 * NANOS,
            risk_usd=Decimal("57.48"), r_now=Decimal("0.59"),
        ),
        PositionView(
            book, kind, "MGC", -1, Decimal("2672.3"), Decimal("2671.4"), Decimal("9.00"), Decimal(9),
            Decimal("-4.00"), Decimal("12.00"), Decimal("2675.0"), (Decimal("2666.0"),), 1, "zones",
            NOW - 512 * NANOS, risk_usd=Decimal("36.62"), r_now=Decimal("0.27"),
        ),
    )  # fmt: skip


def _order(
    n: int, instrument: str, side: Side, slot: Slot, qty: int, price: str, kind: AccountKind, **more: object
) -> OrderView:
    types = {Slot.ENTRY: OrderType.LIMIT, Slot.STOP: OrderType.STOP, Slot.TARGET: OrderType.LIMIT}
    order = OrderView(
        "practice", kind, f"ts-{n}", str(90_000 + n), instrument, side, types[slot], slot, qty, 0,
        Decimal(price), OrderStatus.WORKING, False, NOW - (60 + 30 * n) * NANOS,
    )  # fmt: skip
    return replace(order, **more)


def orders(kind: AccountKind = AccountKind.PRACTICE) -> tuple[OrderView, ...]:
    """The brackets of both positions, and a resting entry with its suspended stop."""
    return (
        _order(1, "MNQ", Side.SELL, Slot.STOP, 2, "21020.00", kind, plan="1-1"),
        _order(2, "MNQ", Side.SELL, Slot.TARGET, 1, "21041.25", kind, plan="1-1"),
        _order(3, "MNQ", Side.SELL, Slot.TARGET, 1, "21052.00", kind, plan="1-1"),
        _order(4, "MGC", Side.BUY, Slot.STOP, 1, "2675.0", kind, plan="1-2"),
        _order(5, "MGC", Side.BUY, Slot.TARGET, 1, "2666.0", kind, plan="1-2"),
        _order(6, "ES", Side.BUY, Slot.ENTRY, 1, "6004.25", kind, plan="1-3"),
        _order(7, "ES", Side.SELL, Slot.STOP, 1, "5998.50", kind, suspended=True, plan="1-3"),
    )


def trades(kind: AccountKind = AccountKind.PRACTICE) -> tuple[TradeView, ...]:
    """Six finished trades of the day."""
    rows = [
        ("MNQ", Side.BUY, 2, "20988.00", "21004.25", "65.00", "2.44", "target"),
        ("MES", Side.SELL, 1, "6010.50", "6012.25", "-8.75", "1.22", "stop"),
        ("MGC", Side.BUY, 2, "2668.1", "2673.2", "102.00", "3.48", "target"),
        ("MNQ", Side.SELL, 1, "21010.25", "21018.00", "-15.50", "1.22", "stop"),
        ("MNQ", Side.BUY, 2, "21006.00", "21012.50", "26.00", "2.44", "break-even"),
        ("MES", Side.BUY, 1, "6008.25", "6008.75", "2.50", "1.22", "time"),
    ]
    found = []
    for i, (symbol, side, qty, entry, leave, gross, costs, reason) in enumerate(rows):
        closed = NOW - (len(rows) - i) * 11 * MINUTE
        net = Decimal(gross) - Decimal(costs)
        found.append(
            TradeView("practice", symbol, side, qty, Decimal(entry), Decimal(leave), Decimal(gross),
                      Decimal(costs), net, reason, closed - 6 * MINUTE, closed, kind)
        )  # fmt: skip
    return tuple(found)


def curve(count: int = 90) -> EquityView:
    """A day's total by the minute that ends at +184.20."""
    values = equity(count)
    points = tuple(EquityPoint(NOW - (count - i) * MINUTE, usd) for i, usd in enumerate(values))
    return EquityView(points, max(values), min(values))


def equity(count: int = 90) -> tuple[Decimal, ...]:
    """A day's curve that ends at +184.20."""
    rng = random.Random(5)
    values = [0.0]
    for _ in range(count - 2):
        values.append(values[-1] + rng.gauss(1.6, 11))
    scale = 184.20 / values[-1] if values[-1] > 0 else 1.0
    return (*(Decimal(f"{v * scale:.2f}") for v in values), Decimal("184.20"))


def limits() -> tuple[LimitView, ...]:
    """A good morning's distances, the nearest first: nothing to worry about."""
    return (
        LimitView("trades", Decimal(6), Decimal(20), "trades", Band.CLEAR),
        LimitView("size", Decimal("0.3"), Decimal(2), "minis", Band.CLEAR),
        LimitView("max loss", Decimal("151.80"), Decimal(2000), "USD", Band.CLEAR),
        LimitView("daily loss", Decimal(0), Decimal(800), "USD", Band.CLEAR),
        LimitView("losses in a row", Decimal(0), Decimal(3), "losses", Band.CLEAR),
    )


def book(kind: AccountKind = AccountKind.PRACTICE) -> BookView:
    return BookView(
        book="practice", kind=kind, account="PRAC-V2-58112", balance_usd=Decimal("50152.20"),
        state=TradingState.ACTIVE, realized_usd=Decimal("152.20"),
        open_usd=Decimal("32.00"), costs_usd=Decimal("12.02"), day_usd=Decimal("184.20"),
        daily_loss_limit_usd=Decimal(800), trades=6, wins=4, max_trades=20, profit_factor=2.31,
        max_drawdown_usd=Decimal("61.00"), reconciled=True,
        limits=limits(), preset="topstep_50k", curve=curve(),
    )  # fmt: skip


def held(
    state: TradingState, reason: str, end: RestrictionEnd = RestrictionEnd.CAUSE, **more: Any
) -> dict[str, Any]:
    """The fields of a book that something holds back."""
    return {"state": state, "restriction": RestrictionView(state, reason, end, **more)}


def notices() -> tuple[Notice, ...]:
    said = [
        (690, NoticeKind.MARKET, Severity.INFO, "cash session open", None),
        (
            512,
            NoticeKind.SIGNAL,
            Severity.INFO,
            "short MGC 6.1: rejected at 2674.0, reward to risk 1.9",
            "MGC",
        ),
        (511, NoticeKind.FILL, Severity.GOOD, "sold 1 MGC @ 2672.3", "MGC"),
        (255, NoticeKind.REFUSAL, Severity.INFO, "short ES 5.1 refused: 2 of 5 timeframes agree", "ES"),
        (190, NoticeKind.CONNECTION, Severity.WARNING, "market hub reconnected after 1.4 s", None),
        (
            120,
            NoticeKind.REFUSAL,
            Severity.INFO,
            "long MES 7.0 refused: reward to risk is too small",
            "MES",
        ),
        (
            48,
            NoticeKind.SIGNAL,
            Severity.INFO,
            "long MNQ 7.4: order block held, 4 of 5 frames agree",
            "MNQ",
        ),
        (47, NoticeKind.FILL, Severity.GOOD, "bought 2 MNQ @ 21028.50", "MNQ"),
    ]
    return tuple(
        Notice(i, NOW - back * NANOS, kind, severity, text, instrument, "practice")
        for i, (back, kind, severity, text, instrument) in enumerate(said, 1)
    )


def logs() -> list[LogLine]:
    said = [
        (700, "INFO", "engine.runtime", "6 contracts resolved"),
        (698, "INFO", "adapters.projectx.stream", "market hub connected, 12 subscriptions"),
        (697, "INFO", "adapters.projectx.stream", "user hub connected"),
        (511, "INFO", "engine.trading", "fill 1 MGC 2672.3 (venue 9 ms)"),
        (192, "WARNING", "adapters.projectx.stream", "market hub closed by peer, again in 1.0 s"),
        (190, "INFO", "adapters.projectx.stream", "market hub connected, 12 subscriptions"),
        (47, "INFO", "engine.trading", "fill 2 MNQ 21028.50 (venue 8 ms)"),
        (46, "DEBUG", "engine.trading", "bracket of ts-1: stop 90001, target 90002"),
    ]
    return [
        LogLine(i, NOW - back * NANOS, level, name, text)
        for i, (back, level, name, text) in enumerate(said, 1)
    ]


def trading_view(kind: AccountKind = AccountKind.PRACTICE) -> View:
    """A good morning: two positions, brackets at work, money won."""
    return View(
        version=1,
        ts=NOW,
        mode=kind,
        venue="practice venue" if kind is AccountKind.PRACTICE else "TopStepX",
        practice_time=kind is AccountKind.PRACTICE,
        session=SessionView("2026-10-14", SessionPhase.RTH, "09:42:17", "15:10"),
        links=(
            LinkView("market", LinkState.LIVE, "12 subscriptions", NOW - 190 * NANOS),
            LinkView("user", LinkState.LIVE, "", NOW - 7_900 * NANOS),
            LinkView("rest", LinkState.LIVE, "12/160", NOW - 7_901 * NANOS),
            LinkView("token", LinkState.LIVE, "", NOW - 7_902 * NANOS, NOW + 78_498 * NANOS),
        ),
        contracts=contracts(),
        books=(book(kind),),
        positions=positions(kind=kind),
        orders=orders(kind),
        trades=trades(kind),
        alignment={symbol: alignment(symbol) for symbol in CME_FUTURES},
        signals=signals(),
        patterns=patterns(),
        notices=notices(),
        health=HealthView(True, "", 1_284, 0, 1.8, 0, 48_210, {"duplicate fills": 2}),
        strategy="zones and alignment",
        uptime_ns=1_337 * NANOS,
    )


def two_books() -> View:
    """A live account, and beside it a paper book with a trade of its own in another contract and one in the
    same."""
    view = trading_view(AccountKind.LIVE)
    paper = AccountKind.PAPER
    mnq, mgc = (replace(p, book="paper", kind=paper) for p in positions())
    mes = replace(
        mgc, instrument="MES", qty=3, entry=Decimal("6008.25"), mark=Decimal("6012.50"),
        open_usd=Decimal("63.75"), open_ticks=Decimal(51), stop=Decimal("6003.25"),
        targets=(Decimal("6016.25"),), protected_qty=3,
    )  # fmt: skip
    live = replace(book(AccountKind.LIVE), book="topstepx", account="50KTC-V2-58112")
    side = replace(
        book(paper), book="paper", account="PAPER", balance_usd=Decimal("51207.40"),
        open_usd=Decimal("85.75"), realized_usd=Decimal("301.55"), day_usd=Decimal("387.30"),
        preset="", curve=EquityView(),
    )  # fmt: skip
    text = "bought 2 MNQ @ 21028.75"
    bought = Notice(9, NOW - 46 * NANOS, NoticeKind.FILL, Severity.GOOD, text, "MNQ", "paper")
    stop = replace(view.orders[3], instrument="MES", side=Side.SELL, price=Decimal("6003.25"), qty=3)
    theirs = (*view.orders[:3], stop)
    paper_qty = {"MNQ": 2, "MES": 3}
    return replace(
        view,
        books=(live, side),
        positions=(*(replace(p, book="topstepx") for p in view.positions), mnq, mes),
        orders=(
            *(replace(o, book="topstepx") for o in view.orders),
            *(replace(o, book="paper", kind=paper, client_id=f"p-{o.client_id}") for o in theirs),
        ),
        trades=(
            *(replace(t, book="topstepx") for t in view.trades),
            *(replace(t, book="paper") for t in trades(paper)),
        ),
        contracts=tuple(replace(c, paper_qty=paper_qty.get(c.instrument, 0)) for c in view.contracts),
        notices=(*(replace(n, book="topstepx") for n in view.notices), bought),
    )


def empty_view() -> View:
    """The first second: nothing is known yet."""
    return View(
        version=0, ts=NOW, mode=AccountKind.PRACTICE, venue="practice venue", practice_time=True,
        session=SessionView("2026-10-14", SessionPhase.ETH, "08:25:00", "15:10"),
        links=(LinkView("market", LinkState.CONNECTING), LinkView("user", LinkState.CONNECTING)),
        contracts=(), books=(), positions=(), orders=(), trades=(), alignment={}, notices=(),
        health=HealthView(True),
    )  # fmt: skip
