"""Trades to look back on, and readings of an alert, for pictures of their pages."""

from __future__ import annotations

from decimal import Decimal

from engine.model.alert_tries import AlertTried, BookTried
from engine.model.alerts import Grade, Reason, Verdict
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Side
from engine.model.orders import AccountKind
from engine.model.review import JournalAsked, JournalTold, Span
from engine.portfolio.review import BookTrades, told
from engine.state.position import Trade, TradeSource
from tests.tui.charts import NOW

HOUR = 60 * MINUTE
SETUPS = (("block_held", "5m"), ("gap_filled", "15m"), ("manual", ""), ("sweep_turned", "1m"))
NOTES = {
    0: "left too early, plan said T2 #patience",
    3: "no plan at all #fomo #[bold]size",
    11: "by the book",
}


def trades() -> tuple[Trade, ...]:
    """Two a day for five weeks, by a fixed rule."""
    found = []
    for n in range(50):
        symbol = ("MNQ", "MES", "MGC")[n % 3]
        known = CME_FUTURES[symbol]
        side = Side.BUY if n % 4 else Side.SELL
        ticks = (40, -20, 60, 24, -32, 8, -16)[n % 7]
        day = 7 * (n // 10) + n % 10 // 2
        opened = NOW - 37 * HOUR * 24 + day * 24 * HOUR + (n % 2) * 2 * HOUR
        setup, frame = SETUPS[n % 4]
        base = {"MNQ": 84_000, "MES": 24_000, "MGC": 26_700}[symbol]
        found.append(
            Trade(
                symbol, side, 2, 2 * base, 2 * (base + ticks * side.sign), known.usd(2 * ticks),
                Decimal("2.44"),
                opened, opened + (7 + n % 5) * MINUTE, ("T1", "stop", "trail", "manual")[n % 4],
                known.usd(-2 * (n % 9)), known.usd(2 * (max(ticks, 4) + n % 6)), known.usd(40), f"p{n}",
                n % 5 - 1,
                TradeSource("zones" if frame else "manual", setup, frame, 60 + n % 30,
                            ("order block held", "4 of 5 frames agree", "volume 1.4x")),
            )
        )  # fmt: skip
    return tuple(found)


def journal(span: Span = Span.WEEK, day: str = "") -> JournalTold:
    every = trades()
    notes = {every[-1 - n].key: words for n, words in NOTES.items()}
    book = BookTrades("practice", AccountKind.PRACTICE, "USD", "cme", every, notes)
    return told([book], CME_FUTURES, JournalAsked(span, day))


def reading(good: bool = True) -> AlertTried:
    against = (
        () if good else ("reward to risk is 0.70, at least 1.5 (risk.reward_to_risk_min)", "MNQ is paused")
    )
    return AlertTried(
        "jm", ("jm", "night-desk"),
        Verdict.TRADED if good else Verdict.REFUSED, None if good else Reason.FAR_FROM_MARKET,
        "" if good else f"{Reason.FAR_FROM_MARKET.sentence} (48 points from 21040.00, allowed 5)",
        "MNQ", Side.BUY, Decimal("21038"), Decimal("21028"), (Decimal("21045"), Decimal("21050")), Grade.A,
        Decimal("21039.25") if good else None,
        (
            BookTried("practice", AccountKind.PRACTICE, 3, "A of the room is 3 contracts", against),
            BookTried("paper", AccountKind.PAPER, 3, "A of the room is 3 contracts"),
        ),
    )  # fmt: skip
