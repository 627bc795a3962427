"""docs/semantics.md has the order table as it is."""

from __future__ import annotations

from engine.model.orders import OrderStatus
from engine.model.records import OrderEvent
from engine.state.order_table import next_status
from tests.docs.pages import DOCS, section, tables

PAGE = DOCS / "semantics.md"


def test_the_order_table_is_the_programs() -> None:
    (table,) = tables(section(PAGE, "Order states"))
    assert [row[0] for row in table] == [f"`{status}`" for status in OrderStatus if not status.terminal]
    for status, leads, stays in table:
        now = OrderStatus(status.strip("`"))
        told = {event: now for event in stays.split(", ") if event}
        for part in leads.split("; "):
            events, _, after = part.partition(" → ")
            told |= {event: OrderStatus(after) for event in events.split(", ")}
        filled = int(now is OrderStatus.PARTIAL)
        real = {event: next_status(now, event, filled, 2) for event in OrderEvent}
        del real[OrderEvent.FILLED]
        assert told == {event: after for event, after in real.items() if after is not None}
