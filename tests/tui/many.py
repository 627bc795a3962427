"""Pictures of several books at several venues, for a fake engine to serve."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.orders import AccountKind, AccountStage
from engine.model.restrictions import RestrictionEnd, TradingState
from engine.model.view import (
    Band,
    BookView,
    BotView,
    EquityPoint,
    EquityView,
    LimitView,
    LinkView,
    OrderView,
    PositionView,
    View,
)
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.states import UNLOCK

FOUR = (
    ("topstep-eval1", AccountKind.LIVE, "topstep", "1"),
    ("topstep-eval2", AccountKind.LIVE, "topstep", "2"),
    ("practice", AccountKind.PRACTICE, "practice", "1"),
    ("paper", AccountKind.PAPER, "", "0.5"),
)


def _book(name: str, kind: AccountKind, venue: str, ratio: str, day: str) -> BookView:
    usd = Decimal(day)
    curve = fake.curve()
    points = tuple(
        EquityPoint(p.ts, (p.usd * usd / Decimal("184.20")).quantize(Decimal(1))) for p in curve.points
    )
    stage = AccountStage.EVAL if "eval" in name else None
    limit = LimitView("max loss", abs(usd) / 2, Decimal(2000), "USD", Band.CLEAR)
    return replace(
        fake.book(kind), book=name, venue=venue, copy_ratio=Decimal(ratio), account=f"ACC-{name.upper()}",
        day_usd=usd, realized_usd=usd - 32, preset="", curve=EquityView(points), limits=(limit,), stage=stage,
    )  # fmt: skip


def of_books(names: tuple[tuple[str, AccountKind, str, str], ...]) -> View:
    """Each book long two MNQ with its brackets, the first short an MGC besides."""
    view = fake.trading_view(AccountKind.LIVE)
    books = tuple(_book(*name, day=f"{184 - 150 * i}.20") for i, name in enumerate(names))
    positions: list[PositionView] = []
    orders: list[OrderView] = []
    for book in books:
        held = view.positions if book is books[0] else view.positions[:1]
        work = view.orders if book is books[0] else view.orders[:3]
        positions += [replace(p, book=book.book, kind=book.kind) for p in held]
        orders += [
            replace(o, book=book.book, kind=book.kind, client_id=f"{book.book}-{o.client_id}") for o in work
        ]
    venues = dict.fromkeys(book.venue for book in books if book.venue)
    links = tuple(replace(link, venue=venue) for venue in venues for link in view.links)
    trades = tuple(replace(t, book=b.book, kind=b.kind) for b in books for t in view.trades[:2])
    contracts = tuple(
        replace(c, position_qty=2 * sum(b.kind is AccountKind.LIVE for b in books), source="topstep")
        if c.instrument == "MNQ"
        else replace(c, source="practice" if "practice" in venues else "topstep")
        for c in view.contracts
    )
    return replace(
        view, books=books, positions=tuple(positions), orders=tuple(orders), links=links, trades=trades,
        contracts=contracts, notices=tuple(replace(n, book=books[0].book) for n in view.notices),
    )  # fmt: skip


def four_books() -> View:
    """Two accounts on one login, one on a practice venue, and a paper book: all is well."""
    return of_books(FOUR)


def four_in_trouble() -> View:
    """The second account is locked, and the first venue's market data are gone; two bots, one out."""
    view = four_books()
    lock = fake.held(
        TradingState.LOCKED, "daily loss limit reached", RestrictionEnd.TIME, until=UNLOCK, guard="daily loss"
    )
    loss = LimitView("daily loss", Decimal(769), Decimal(800), "USD", Band.ACT)
    first, second, *rest = view.books
    second = replace(second, limits=(loss,), day_usd=Decimal("-769.00"), **lock)
    down = LinkView("market", LinkState.DOWN, "closed by peer", NOW - 14 * NANOS, venue="topstep")
    links = tuple(down if (k.venue, k.name) == ("topstep", "market") else k for k in view.links)
    contracts = tuple(
        replace(c, stale=True, age_ns=14 * NANOS) if c.source == "topstep" else c for c in view.contracts
    )
    held = tuple(p for p in view.positions if p.book != second.book)
    bots = (
        BotView("zones-fast", "zones", mode="trade", open_plans=2, day_usd=Decimal("96.40")),
        BotView("opening", "opening range", mode="signals", out="failed, see the log"),
    )
    return replace(
        view, books=(first, second, *rest), links=links, contracts=contracts, positions=held, bots=bots
    )  # fmt: skip


def ten_books() -> View:
    """More than any pane shows at once."""
    kinds = [AccountKind.LIVE] * 6 + [AccountKind.PRACTICE] * 2 + [AccountKind.PAPER] * 2
    venues = ["topstep"] * 6 + ["practice"] * 2 + [""] * 2
    return of_books(
        tuple(
            (f"fund-{i}", kind, venue, "1") for i, (kind, venue) in enumerate(zip(kinds, venues, strict=True))
        )
    )
