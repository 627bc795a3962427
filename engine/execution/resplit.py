"""Entries that were cut short leave the targets lopsided: contracts change legs until they are split again.

The rule of sizing (half to the first target, rounded down) holds for what was really bought, not for what was
asked for (docs/reliability.md#protection, F12; docs/semantics.md#odd-quantities).
"""

from __future__ import annotations

from engine.execution.context import BookContext
from engine.execution.desired import at_rest
from engine.model import records as r
from engine.model.orders import Slot
from engine.model.plans import PlanStatus
from engine.state.state import PlanState


def even_out(book: BookContext, found: PlanState) -> None:
    """Shift contracts once every entry is over, nothing has left yet, and the venue agrees with the plan:
    then each leg's exits have their final size, and changing them is the diff's ordinary work.
    """
    plan, legs = found.plan, found.legs
    if len(legs) != 2 or plan.status is not PlanStatus.OPEN or any(leg.exited for leg in legs):
        return
    if any(leg.added for leg in plan.legs):
        return  # what was added later is no part of what was split
    held = sum(leg.entered for leg in legs)
    first = held // 2
    if held in (0, plan.qty) or not first or legs[0].entered == first:
        return
    entries = [book.state.orders.get(leg.slots.get(Slot.ENTRY, "")) for leg in legs]
    if any(entry is None or not entry.status.terminal for entry in entries):
        return
    if not at_rest(found, book.state.orders, book.state.brackets, exits=book.exits(plan.instrument)):
        return
    source = 0 if legs[0].entered > first else 1
    book.turn.commit(
        r.ContractsShifted(
            ts=book.now,
            book=book.book,
            plan_id=plan.plan_id,
            source=source,
            target=1 - source,
            qty=abs(legs[0].entered - first),
        )
    )
