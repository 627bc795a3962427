"""Days that went less well than that of tests.tui.fake: near a limit, locked, flattening, cut off."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.market import NANOS, Side
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import Band, BookView, FlattenStep, FlattenView, LimitView, LinkView, View
from tests.tui import fake
from tests.tui.charts import NOW
from tui.screen_state import ScreenState
from tui.styled_text import Row

UNLOCK = NOW + 26_263 * NANOS
"""17:00 in Chicago of the day of `NOW`."""


def _with(view: View, **changes: object) -> View:
    """The view with its only book changed."""
    return replace(view, books=(replace(view.books[0], **changes),))


def _limits(daily: str, band: Band, room: str, room_band: Band = Band.WARN) -> tuple[LimitView, ...]:
    return (
        LimitView("daily loss", Decimal(daily), Decimal(800), "USD", band),
        LimitView("max loss", Decimal(room), Decimal(2000), "USD", room_band),
        LimitView("losses in a row", Decimal(1), Decimal(3), "losses", Band.CLEAR),
        LimitView("trades", Decimal(6), Decimal(20), "trades", Band.CLEAR),
        LimitView("size", Decimal("0.3"), Decimal(2), "minis", Band.CLEAR),
    )


def _flat(view: View) -> View:
    contracts = tuple(replace(c, position_qty=0) for c in view.contracts)
    return replace(view, positions=(), orders=(), contracts=contracts)


def _lost(view: View, day: str) -> View:
    book: BookView = view.books[0]
    return _with(view, day_usd=Decimal(day), realized_usd=Decimal(day) - book.open_usd)


def near_limit() -> View:
    """62 % of the daily loss is used, open losses included."""
    limits = _limits("495.60", Band.WARN, "1204.35")
    return _with(_lost(fake.trading_view(), "-495.60"), limits=limits)


def reducing() -> View:
    """83 %: entries are refused, positions go on."""
    limits = _limits("664.20", Band.REDUCE, "1372.95")
    reason = "daily loss at 83 % of 800.00 USD"
    view = _lost(fake.trading_view(), "-664.20")
    return _with(view, limits=limits, **fake.held(TradingState.REDUCING, reason, guard="bands"))


def locked() -> View:
    """The limit acted: flat, and nothing more today."""
    limits = _limits("768.40", Band.ACT, "1477.15")
    view = _flat(_lost(fake.trading_view(), "-768.40"))
    return _with(
        view, limits=limits, open_usd=Decimal(0), realized_usd=Decimal("-768.40"),
        **fake.held(TradingState.LOCKED, "daily loss limit reached", RestrictionEnd.TIME, until=UNLOCK),
    )  # fmt: skip


def halted() -> View:
    """By hand, with positions that keep their stops."""
    halt = fake.held(TradingState.HALTED, "halted by keyboard", RestrictionEnd.LIFT, by="keyboard")
    return _with(fake.trading_view(), **halt)


def flattening(alarm: str = "", seconds: int = 3) -> View:
    """Everything is being closed: MNQ waits for its fill, MGC is already gone."""
    view = fake.trading_view()
    close = replace(
        view.orders[0], client_id="", type=OrderType.MARKET, slot=Slot.STOP, side=Side.SELL, price=None,
        status=OrderStatus.WORKING,
    )  # fmt: skip
    left = tuple(o for o in view.orders if o.instrument == "MNQ")
    contracts = tuple(
        replace(c, flattening=c.position_qty != 0, position_qty=2 if c.instrument == "MNQ" else 0)
        for c in view.contracts
    )
    changed = replace(view, contracts=contracts, positions=view.positions[:1], orders=(*left, close))
    flatten = FlattenView(("MNQ",), FlattenStep.CLOSE, NOW - seconds * NANOS, alarm)
    paused = fake.held(TradingState.REDUCING, "flattened by keyboard", RestrictionEnd.RESUME, by="keyboard")
    return _with(changed, flatten=flatten, **paused)


def escalated() -> View:
    """The venue refuses the close."""
    return flattening("close of MNQ refused: instrument is not in an active trading status", 48)


def paused() -> View:
    """By hand; one contract was paused by itself before."""
    view = fake.trading_view()
    contracts = tuple(
        replace(c, state=TradingState.REDUCING) if c.instrument == "NQ" else c for c in view.contracts
    )
    pause = fake.held(TradingState.REDUCING, "paused by keyboard", RestrictionEnd.RESUME, by="keyboard")
    reason, end = "paused by keyboard", RestrictionEnd.RESUME
    every = (
        RestrictionView(TradingState.REDUCING, reason, end, by="keyboard", code=Refusal.PAUSED),
        RestrictionView(
            TradingState.REDUCING, "paused by cli", end, by="cli", instrument="NQ", code=Refusal.PAUSED
        ),
    )
    return _with(replace(view, contracts=contracts, restrictions=every), **pause)


def off() -> View:
    """The settings say that nothing is done on this account."""
    return _with(
        fake.trading_view(),
        **fake.held(TradingState.REDUCING, Refusal.OFF.sentence, RestrictionEnd.SETTINGS, code=Refusal.OFF),
    )


def blind() -> View:
    """No price for 37 s; the market hub is being connected again."""
    view = fake.trading_view()
    links = (LinkView("market", LinkState.DOWN, "again in 8 s", NOW - 37 * NANOS), *view.links[1:])
    against = (Refusal.VENUE_DOWN, Refusal.FEED_STALE)
    contracts = tuple(replace(c, stale=True, age_ns=37 * NANOS, against=against) for c in view.contracts)
    return replace(view, links=links, contracts=contracts)


def cut_off() -> View:
    """The market hub is silent, the user hub is gone, the login has not been renewed, no native brackets."""
    view = fake.trading_view()
    now = NOW
    links = (
        LinkView("market", LinkState.STALE, "no message for 14 s", now - 14 * NANOS),
        LinkView("user", LinkState.DOWN, "closed by peer, again in 8 s", now - 95 * NANOS),
        LinkView("rest", LinkState.LIVE, "131/160", now - 7_901 * NANOS),
        LinkView("token", LinkState.LIVE, "renewal failed twice", now - 83_000 * NANOS, now + 2_880 * NANOS),
    )
    contracts = tuple(replace(c, stale=True, age_ns=14 * NANOS) for c in view.contracts)
    counts = {"duplicate fills": 4, "anomalies": 1, "reconnects": 17, "late prints": 31, "overfills": 0}
    health = replace(view.health, counts=counts)
    return _with(replace(view, links=links, contracts=contracts, health=health), brackets=False)


STATES: dict[str, Callable[[], View]] = {
    "near-limit": near_limit,
    "reducing": reducing,
    "locked": locked,
    "halted": halted,
    "flattening": flattening,
    "escalated": escalated,
    "cut-off": cut_off,
    "paused": paused,
    "off": off,
    "blind": blind,
}


def state_of(view: View, **more: object) -> ScreenState:
    return ScreenState(view, "MNQ", **{"notices": view.notices, "logs": fake.logs(), **more})  # type: ignore[arg-type]


def styles(row: Row) -> dict[str, str]:
    return {text.strip(): style for text, style in row if text.strip()}


def changed(view: View, *names: str, **change: object) -> View:
    """The view with these contracts changed; with all where none is named."""
    contracts = [replace(c, **change) if c.instrument in names or not names else c for c in view.contracts]
    return replace(view, contracts=tuple(contracts))
