"""Named points at which a process kills itself, put around the ports: no product code knows of them."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence

from adapters.store.journal import SqliteJournal
from engine.model.effects import AnyRequest, CancelOrder, ClosePosition, ModifyOrder, PlaceOrder
from engine.model.events import SnapshotTaken
from engine.model.orders import OrderType
from engine.ports import Broker, Preparing, Sink

STEPS = ("stop placed", "stop modified", "cancel", "close")
"""What protects a position or ends it."""
IN_THE_PROCESS = (
    *("before commit", "after commit", "before send", "after reply"),
    *(f"{when} {step}" for step in STEPS for when in ("before", "after")),
)
AT_THE_VENUE = ("after send", "before reply")
"""The request has arrived; the venue has acted. The answer never comes."""
POINTS = (*IN_THE_PROCESS, *AT_THE_VENUE)
ANY = "any effect"


class KillPoint:
    """Springs at the nth passage of a point, or of any point."""

    def __init__(self, point: str, nth: int, spring: Callable[[], None]) -> None:
        self._point = point
        self._nth = nth
        self._spring = spring
        self._passed: Counter[str] = Counter()

    def __call__(self, point: str) -> None:
        for name in (point, ANY):
            self._passed[name] += 1
            if name == self._point and self._passed[name] == self._nth:
                self._spring()


def die() -> None:
    """At once: no finally, no flush, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


class TrappedJournal(SqliteJournal):
    """The journal with a trap at either end of each commit; `written` hears what is durable."""

    trap: KillPoint
    written: Callable[[Sequence[bytes]], None]

    async def append(self, records: Sequence[bytes], first_seq: int) -> None:
        self.trap("before commit")
        await super().append(records, first_seq)
        self.trap("after commit")
        self.written(records)


class TrappedBroker:
    """A broker with a trap before each request and behind each answer."""

    def __init__(self, broker: Broker, trap: KillPoint) -> None:
        self.book, self.capabilities = broker.book, broker.capabilities
        self._broker = broker
        self._trap = trap

    async def run(self, sink: Sink) -> None:
        await self._broker.run(sink)

    async def place(self, order: PlaceOrder) -> str:
        step = "stop placed" if order.type is OrderType.STOP else ""
        self._before(step)
        venue_id = await self._broker.place(order)
        self._after(step)
        return venue_id

    async def modify(self, change: ModifyOrder) -> None:
        step = "stop modified" if change.stop is not None else ""
        self._before(step)
        await self._broker.modify(change)
        self._after(step)

    async def cancel(self, order: CancelOrder) -> None:
        self._before("cancel")
        await self._broker.cancel(order)
        self._after("cancel")

    async def close(self, position: ClosePosition) -> None:
        self._before("close")
        await self._broker.close(position)
        self._after("close")

    def prepare(self, request: AnyRequest) -> None:
        assert isinstance(self._broker, Preparing)
        self._broker.prepare(request)

    def forget(self, request: AnyRequest) -> None:
        assert isinstance(self._broker, Preparing)
        self._broker.forget(request)

    async def snapshot(self, since: int, *, urgent: bool = False) -> SnapshotTaken:
        return await self._broker.snapshot(since, urgent=urgent)

    def _before(self, step: str) -> None:
        self._trap("before send")
        if step:
            self._trap(f"before {step}")

    def _after(self, step: str) -> None:
        self._trap("after reply")
        if step:
            self._trap(f"after {step}")
