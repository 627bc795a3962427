"""A morning with an alert room: read, traded in one book or two, refused, changed, taken back."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.alerts import Grade, Reason, Verdict
from engine.model.events import AlertKind, LinkState
from engine.model.market import NANOS, Side
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import AlertFate, AlertView, LinkView, View
from tests.tui import fake
from tests.tui.charts import NOW

MS = NANOS // 1_000
TEXT = "🚨 ES long 6010: A / Stop: 6000"


def fate(book: str, entered: int, *, sent_ms: int = 184, closed: bool = False) -> AlertFate:
    """Three contracts that were asked for; the venue answers after 47 ms."""
    return AlertFate(book, 3, entered, closed, (), sent_ms * MS, (sent_ms + 47) * MS)


def refused(book: str, why: str) -> AlertFate:
    return AlertFate(book, 0, refusals=(why,))


def alert(
    back: int, verdict: Verdict = Verdict.TRADED, reason: Reason | None = None, **more: object
) -> AlertView:
    """A long MES of size A that was read `back` seconds ago, 180 ms after its posting."""
    ts = NOW - back * NANOS
    made = AlertView(
        "twi", f"{9_000 - back}", ts, ts - 180 * MS, AlertKind.POSTED, verdict, reason,
        reason.sentence if reason is not None else "", TEXT, "MES", Side.BUY,
        Decimal("6010.00"), Decimal("6000.00"), (Decimal("6017.00"), Decimal("6022.00")), Grade.A,
        (fate("practice", 3),),
    )  # fmt: skip
    return replace(made, **more)


def untaken(back: int, verdict: Verdict, reason: Reason, **more: object) -> AlertView:
    """One that no order was sent for."""
    return alert(back, verdict, reason, **{"fates": (), **more})


def unread(back: int, excerpt: str, reason: Reason = Reason.NOT_AN_ALERT, **more: object) -> AlertView:
    """One whose text says no trade."""
    nothing = {"instrument": "", "side": None, "entry": None, "stop": None, "targets": (), "grade": None}
    return untaken(back, Verdict.UNREAD, reason, excerpt=excerpt, **{**nothing, **more})


def alerts() -> tuple[AlertView, ...]:
    """Oldest first."""
    off = untaken(190, Verdict.REFUSED, Reason.FAR_FROM_MARKET, side=Side.SELL, grade=Grade.C,
                  excerpt="🚨 ES short 6310.25: C / Stop: 6318", entry=Decimal("6310.25"),
                  stop=Decimal("6318.00"), targets=(),
                  text=f"{Reason.FAR_FROM_MARKET.sentence}, 297.5 points")  # fmt: skip
    return (
        alert(3_900, fates=(fate("practice", 3, sent_ms=1_412, closed=True),)),
        untaken(1_260, Verdict.CANCELLED, Reason.EXPIRED, kind=AlertKind.DELETED, text="",
                fates=(fate("practice", 0, closed=True),)),
        unread(420, "gm everyone, watching 6000 into the open"),
        off,
        alert(75, kind=AlertKind.EDITED, verdict=Verdict.FOLLOWED, fates=(fate("practice", 2),)),
        alert(19),
    )  # fmt: skip


def told(rows: tuple[AlertView, ...]) -> tuple[Notice, ...]:
    """What the engine says in the moments in which messages without a trade are read, and of a trade."""
    found = []
    for row in rows:
        quiet = (NoticeKind.SIGNAL, Severity.GOOD, f"room {row.room}: long MES: entering 3")
        loud = (NoticeKind.REFUSAL, Severity.WARNING, f"room {row.room}: {row.text} (“{row.excerpt}”)")
        kind, severity, text = loud if row.verdict.trouble else quiet
        found.append(Notice(0, row.ts, kind, severity, text, row.instrument or None))
    return tuple(found)


def _numbered(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    ordered = sorted(notices, key=lambda notice: notice.ts)
    return tuple(replace(notice, seq=i) for i, notice in enumerate(ordered, 1))


def view() -> View:
    """The good morning of tests.tui.fake, with a room beside the strategy."""
    rows, calm = alerts(), fake.trading_view()
    link = LinkView("discord", LinkState.LIVE, "1 room", NOW - 7_890 * NANOS, needed=False)
    return replace(
        calm, alerts=rows, notices=_numbered((*calm.notices, *told(rows))), links=(*calm.links, link)
    )


def two_books() -> View:
    """A room that a live account and a paper book follow, faring differently; and one of paper alone."""
    base = fake.two_books()
    rows = (
        alert(3_900, fates=(fate("topstepx", 3, closed=True), fate("paper", 3, sent_ms=180, closed=True))),
        alert(1_260, fates=(fate("paper", 3, sent_ms=180),), room="night"),
        alert(75, fates=tuple(refused(book, "entries are paused") for book in ("topstepx", "paper"))),
        alert(19, fates=(refused("topstepx", "the trade's risk is above the limit"),
                         fate("paper", 3, sent_ms=180))),
    )  # fmt: skip
    return replace(base, alerts=rows, notices=_numbered((*base.notices, *told(rows))))
