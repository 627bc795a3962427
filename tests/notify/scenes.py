"""Views, notices and messages to tell of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.content.news import NewsReader
from engine.model.chart import AlignmentView, FrameView
from engine.model.market import NANOS, USUAL, Side
from engine.model.notices import Notice, NoticeKind, PatternFacts, Severity, SignalFacts
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.view import (
    BookView,
    ContractView,
    HealthView,
    PositionView,
    SessionPhase,
    SessionView,
    TradeView,
    View,
)

NOW = 1_791_988_937 * NANOS
"""Wednesday 14 October 2026, 09:42:17 in Chicago."""


SIGNAL = SignalFacts(
    side=Side.BUY,
    qty=2,
    entry=Decimal("21000.25"),
    stop=Decimal("20990.25"),
    targets=(Decimal("21015.25"), Decimal("21022.25")),
    risk_usd=Decimal("43.00"),
    strategy="zones",
    score_tenths=74,
    timeframe="5m",
    reasons=("OB held 20995.00", "volume 1.3x"),
    size_reason="risk: 50.00 at risk, 21.50 each: 2",
    pattern=PatternFacts("OB + BOS", 118, 0.62, 1.8, 0.65, "backtest"),
)


def a_contract(symbol: str = "MNQ") -> ContractView:
    return ContractView(
        instrument=symbol,
        name=f"{symbol}Z6",
        description="Micro",
        tick_size=Decimal("0.25"),
        tick_value_usd=Decimal("0.50"),
        decimals=2,
        bid=Decimal("21000.25"),
        ask=Decimal("21000.50"),
        last=Decimal("21000.25"),
        change=None,
        age_ns=0,
        stale=False,
        state=TradingState.ACTIVE,
        position_qty=0,
    )


def a_book(book: str = "main", kind: AccountKind = AccountKind.PRACTICE, **change: Any) -> BookView:
    return replace(
        BookView(
            book=book,
            kind=kind,
            account=f"ACC-{book}",
            balance_usd=Decimal("50123.40"),
            state=TradingState.ACTIVE,
            realized_usd=Decimal("123.40"),
            open_usd=Decimal(0),
            costs_usd=Decimal("5.92"),
            day_usd=Decimal("123.40"),
            daily_loss_limit_usd=Decimal(800),
            trades=4,
            wins=3,
            max_trades=40,
            profit_factor=2.5,
            max_drawdown_usd=Decimal("-60.50"),
            reconciled=True,
        ),
        **change,
    )


def a_position(**change: Any) -> PositionView:
    return replace(
        PositionView(
            book="main",
            kind=AccountKind.PRACTICE,
            instrument="MNQ",
            qty=2,
            entry=Decimal("21000.25"),
            mark=Decimal("21005.00"),
            open_usd=Decimal("19.00"),
            open_ticks=Decimal(19),
            mae_usd=Decimal(0),
            mfe_usd=Decimal(0),
            stop=Decimal("20990.25"),
            targets=(Decimal("21015.25"), Decimal("21022.25")),
            protected_qty=2,
            strategy="zones",
            opened_ts=NOW,
        ),
        **change,
    )


def a_trade(**change: Any) -> TradeView:
    return replace(
        TradeView(
            book="main",
            instrument="MNQ",
            side=Side.BUY,
            qty=2,
            entry=Decimal("21000.25"),
            exit=Decimal("21015.25"),
            gross_usd=Decimal("60.00"),
            costs_usd=Decimal("1.48"),
            net_usd=Decimal("58.52"),
            reason="target",
            opened_ts=NOW,
            closed_ts=NOW + 754 * NANOS,
        ),
        **change,
    )


def an_alignment() -> AlignmentView:
    frames = tuple(FrameView(frame, 1, 80, 20, "BOS up") for frame in USUAL)
    return AlignmentView("MNQ", frames, 74, 1, 4, "long", ("4 of 5 agree",))


def a_view(**change: Any) -> View:
    return replace(
        View(
            version=1,
            ts=NOW,
            mode=AccountKind.PRACTICE,
            venue="practice venue",
            practice_time=True,
            session=SessionView("2026-10-14", SessionPhase.RTH, "09:42:17", "15:10"),
            links=(),
            contracts=(a_contract(), a_contract("ES")),
            books=(a_book(),),
            positions=(),
            orders=(),
            trades=(),
            alignment={},
            notices=(),
            health=HealthView(ok=True),
            strategy="zones",
        ),
        **change,
    )


def later(view: View, **change: Any) -> View:
    """The next picture, a tenth of a second on."""
    return replace(view, **{"version": view.version + 1, "ts": view.ts + NANOS // 10, **change})


def a_notice(
    seq: int,
    kind: NoticeKind,
    text: str,
    severity: Severity = Severity.INFO,
    instrument: str | None = "MNQ",
    book: str | None = "main",
    command_id: str | None = None,
    signal: SignalFacts | None = None,
) -> Notice:
    return Notice(seq, NOW, kind, severity, text, instrument, book, command_id, signal)


def news(title: str = "something", severity: Severity = Severity.INFO, **change: Any) -> Message:
    return replace(
        Message(event=NewsEvent.STATUS, severity=severity, title=title, ts=NOW, origin="practice venue"),
        **change,
    )


def a_reader(**options: object) -> NewsReader:
    """One that has told the start already."""
    reader = NewsReader(**options)  # type: ignore[arg-type]
    assert [m.event for m in reader.read(a_view())] == [NewsEvent.START]
    return reader


def facts_of(message: Message) -> dict[str, str]:
    return {field.name: field.value for part in message.sections for field in part.fields}
