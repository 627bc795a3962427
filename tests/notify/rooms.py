"""A newsroom at work, and what it is asked."""

from __future__ import annotations

from decimal import Decimal

from adapters.notify.content.facts import PatternFacts, SignalFacts
from adapters.notify.content.message import Event, Message
from adapters.notify.content.news import Newsroom
from engine.model.market import Side
from tests.notify.scenes import a_view

FACTS = SignalFacts(
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
    pattern=PatternFacts("OB + BOS", 118, 0.62, 1.8, 0.65, "backtest"),
)


def a_room(**options: object) -> Newsroom:
    """A newsroom that has told the start already."""
    room = Newsroom(**options)  # type: ignore[arg-type]
    assert [m.event for m in room.read(a_view())] == [Event.START]
    return room


def facts_of(message: Message) -> dict[str, str]:
    return {field.name: field.value for part in message.sections for field in part.fields}
