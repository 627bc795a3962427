"""Carries effects to the brokers, each once, and brings the outcome back as an event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from engine.model import effects as fx
from engine.model import events as ev
from engine.model.errors import Cause, FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.ports import Broker, Clock, Sink

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""A request without any answer by then has an unknown outcome, whatever the adapter does."""


class End(NamedTuple):
    """How a request ended."""

    outcome: ev.Outcome
    reason: str = ""
    cause: Cause | None = None
    venue_id: str | None = None


class Courier:
    """Runs effects concurrently. Never sends anything twice: what is unknown is for the core to look up."""

    def __init__(self, brokers: Mapping[str, Broker], clock: Clock, sink: Sink) -> None:
        self._brokers = brokers
        self._clock = clock
        self._sink = sink
        self._underway: set[asyncio.Task[None]] = set()

    def carry(self, effect: fx.AnyEffect) -> None:
        task = asyncio.create_task(_ERRANDS[type(effect)](self, effect))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    def deny(self, effect: fx.AnyEffect, reason: str) -> None:
        """Answer an effect that must not run."""
        if isinstance(effect, fx.PlaceOrder):
            self._sink(
                ev.PlaceReplied(
                    ts_recv=self._clock(),
                    book=effect.book,
                    client_id=effect.client_id,
                    outcome=ev.Outcome.UNSENT,
                    reason=reason,
                )
            )

    async def drain(self, seconds: float) -> None:
        """Let requests that are under way finish, for at most so long."""
        if self._underway:
            await asyncio.wait(set(self._underway), timeout=seconds)

    @property
    def busy(self) -> bool:
        """Requests are under way."""
        return bool(self._underway)

    async def _place(self, order: fx.PlaceOrder) -> None:
        end = await self._send(order.book, lambda broker: broker.place(order))
        self._sink(
            ev.PlaceReplied(
                ts_recv=self._clock(),
                book=order.book,
                client_id=order.client_id,
                outcome=end.outcome,
                venue_id=end.venue_id,
                reason=end.reason,
                cause=end.cause,
            )
        )

    async def _modify(self, change: fx.ModifyOrder) -> None:
        end = await self._send(change.book, lambda broker: broker.modify(change))
        self._sink(
            ev.ModifyReplied(
                ts_recv=self._clock(),
                book=change.book,
                client_id=change.client_id,
                outcome=end.outcome,
                reason=end.reason,
                cause=end.cause,
            )
        )

    async def _cancel(self, order: fx.CancelOrder) -> None:
        end = await self._send(order.book, lambda broker: broker.cancel(order))
        self._sink(
            ev.CancelReplied(
                ts_recv=self._clock(),
                book=order.book,
                client_id=order.client_id,
                outcome=end.outcome,
                reason=end.reason,
                cause=end.cause,
            )
        )

    async def _close(self, position: fx.ClosePosition) -> None:
        end = await self._send(position.book, lambda broker: broker.close(position))
        self._sink(
            ev.CloseReplied(
                ts_recv=self._clock(),
                book=position.book,
                instrument=position.instrument,
                outcome=end.outcome,
                reason=end.reason,
                cause=end.cause,
            )
        )

    async def _snapshot(self, query: fx.TakeSnapshot) -> None:
        broker = self._brokers.get(query.book)
        if broker is None:
            reason = f"no broker serves {query.book}"
            self._sink(ev.SnapshotFailed(ts_recv=self._clock(), book=query.book, reason=reason))
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                taken = await broker.snapshot(query.since)
        except (RetryableError, RefusedError, UnknownOutcomeError, FatalError, TimeoutError) as error:
            reason = str(error) or "no answer"
            self._sink(ev.SnapshotFailed(ts_recv=self._clock(), book=query.book, reason=reason))
        except Exception as error:
            log.exception("a snapshot of %s failed", query.book)
            reason = f"internal error: {type(error).__name__}"
            self._sink(ev.SnapshotFailed(ts_recv=self._clock(), book=query.book, reason=reason))
        else:
            self._sink(taken)

    async def _send(self, book: str, request: Callable[[Broker], Awaitable[str | None]]) -> End:
        broker = self._brokers.get(book)
        if broker is None:
            return End(ev.Outcome.UNSENT, f"no broker serves {book}")
        try:
            async with asyncio.timeout(PATIENCE_S):
                return End(ev.Outcome.ACCEPTED, venue_id=await request(broker))
        except RefusedError as error:
            return End(ev.Outcome.REFUSED, str(error), error.cause)
        except (RetryableError, FatalError) as error:
            return End(ev.Outcome.UNSENT, str(error))
        except (UnknownOutcomeError, TimeoutError) as error:
            return End(ev.Outcome.UNKNOWN, str(error) or "no answer")
        except Exception as error:
            # A bug on the way says nothing about whether the venue got it.
            log.exception("a request to the venue failed")
            return End(ev.Outcome.UNKNOWN, f"internal error: {type(error).__name__}")


_ERRANDS: dict[type, Callable[[Courier, Any], Coroutine[Any, Any, None]]] = {
    fx.PlaceOrder: Courier._place,
    fx.ModifyOrder: Courier._modify,
    fx.CancelOrder: Courier._cancel,
    fx.ClosePosition: Courier._close,
    fx.TakeSnapshot: Courier._snapshot,
}
