"""A month of a live account and of a paper book beside it, with alerts and components: for the dashboard."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.market import MINUTE, NANOS
from engine.model.view import View
from engine.model.view_performance import ComponentView, PerformanceView, ProcessView, RuinView
from tests.tui import rooms
from tests.tui.charts import NOW

SINCE = NOW - 94 * MINUTE


def month(book: str) -> PerformanceView:
    """48 trades over 21 days, +2,318.40."""
    return PerformanceView(
        book=book, days=21, trades=48, wins=28, net_usd=Decimal("2318.40"), profit_factor=1.62, sharpe=2.14,
        volatility=0.183, max_drawdown_usd=Decimal("1204.50"), max_drawdown=0.0241, drawdown=0.0063, run=3,
        recovery_factor=1.92, var_95_usd=Decimal("412.00"), var_99_usd=None, kelly=0.224,
        ruin=RuinView(0.0031, 0.0021, 0.0044, Decimal(2000)),
    )  # fmt: skip


def beginner(book: str) -> PerformanceView:
    """Three days and five trades: too little for most."""
    return PerformanceView(
        book=book, days=3, trades=5, wins=2, net_usd=Decimal("-184.10"), profit_factor=0.71, sharpe=None,
        volatility=None, max_drawdown_usd=Decimal("240.00"), max_drawdown=0.0048, drawdown=0.0037, run=-2,
        recovery_factor=-0.77, var_95_usd=None, var_99_usd=None, kelly=None, ruin=None,
    )  # fmt: skip


def components(*failed: ComponentView) -> tuple[ComponentView, ...]:
    names = ("engine", "journal", "topstepx", "rooms", "services", "disk")
    wrong = {one.name: one for one in failed}
    return tuple(wrong.get(name) or ComponentView(name, True, "", SINCE) for name in names)


PROCESS = ProcessView(7.4, 143_200_000, 48_100_000_000, 99_000_000_000)


def view() -> View:
    """All is well."""
    shown = rooms.two_books()
    told = (month(shown.books[0].book), beginner(shown.books[1].book))
    health = replace(shown.health, components=components(), process=PROCESS)
    alerts = (*rooms.view().alerts[:4], *shown.alerts[1:])
    return replace(shown, performance=told, health=health, uptime_ns=94 * MINUTE, alerts=alerts)


def trouble() -> View:
    """A deep drawdown, the venue gone, the disk almost full."""
    shown = view()
    fallen = replace(
        shown.performance[0], drawdown=0.124, max_drawdown=0.131, max_drawdown_usd=Decimal("6811.00")
    )
    health = replace(
        shown.health,
        components=components(
            ComponentView(
                "topstepx", False, "user of 50KTC is down: closed by peer, again in 8 s", NOW - 95 * NANOS
            ),
            ComponentView("disk", False, "312 MB left", NOW - 12 * MINUTE),
        ),
    )
    return replace(shown, performance=(fallen, *shown.performance[1:]), health=health)
