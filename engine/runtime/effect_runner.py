"""Runs effects at the brokers, each once, and brings the outcome back as an event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine.model import effects as fx
from engine.model import events as ev
from engine.model.errors import FatalError, RefusedError, RetryableError, UnknownOutcomeError
from engine.ports import Broker, Clock, Preparing, Sink

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""A request without any answer by then has an unknown outcome, whatever the adapter does."""


class EffectRunner:
    """Runs effects concurrently. Never sends anything twice: what is unknown is for the core to look up."""

    def __init__(self, brokers: Mapping[str, Broker], clock: Clock, sink: Sink) -> None:
        self._brokers = brokers
        self._clock = clock
        self._sink = sink
        self._preparing = {book: broker for book, broker in brokers.items() if isinstance(broker, Preparing)}
        self._underway: set[asyncio.Task[None]] = set()

    def prepare(self, effect: fx.AnyEffect) -> None:
        """Have a request got ready whose records are on their way to the disk; `run` or `deny` follows."""
        broker = self._preparing.get(effect.book)
        if broker is not None and not isinstance(effect, fx.TakeSnapshot):
            try:
                broker.prepare(effect)
            except Exception:
                log.exception("a request could not be got ready; it goes out all the same, later")

    def run(self, effect: fx.AnyEffect) -> None:
        """Do it. Only for what is durable, or needs no record."""
        work = self._snapshot(effect) if isinstance(effect, fx.TakeSnapshot) else self._request(effect)
        task = asyncio.create_task(work)
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    def deny(self, effect: fx.AnyEffect, reason: str) -> None:
        """Answer an effect that must not run."""
        if isinstance(effect, fx.PlaceOrder):
            broker = self._preparing.get(effect.book)
            if broker is not None:
                broker.forget(effect)
            self._sink(ev.reply(effect, self._clock(), ev.Outcome.UNSENT, reason))

    async def drain(self, seconds: float) -> None:
        """Let requests that are under way finish, for at most so long."""
        if self._underway:
            await asyncio.wait(set(self._underway), timeout=seconds)

    @property
    def busy(self) -> bool:
        """Requests are under way."""
        return bool(self._underway)

    async def _request(self, effect: fx.AnyRequest) -> None:
        """Have a broker do it, and tell how it ended."""
        broker = self._brokers.get(effect.book)
        outcome, reason, cause, venue_id = ev.Outcome.ACCEPTED, "", None, None
        try:
            if broker is None:
                raise RetryableError(f"no broker serves {effect.book}")
            async with asyncio.timeout(PATIENCE_S):
                venue_id = await _CALLS[type(effect)](broker, effect)
        except RefusedError as error:
            outcome, reason, cause = ev.Outcome.REFUSED, str(error), error.cause
        except (RetryableError, FatalError) as error:
            outcome, reason = ev.Outcome.UNSENT, str(error)
        except (UnknownOutcomeError, TimeoutError) as error:
            outcome, reason = ev.Outcome.UNKNOWN, str(error) or "no answer"
        except Exception:
            # A bug on the way says nothing about whether the venue got it.
            log.exception("a request to the venue failed")
            outcome, reason = ev.Outcome.UNKNOWN, "internal error, see the log"
        self._sink(ev.reply(effect, self._clock(), outcome, reason, cause, venue_id))

    async def _snapshot(self, query: fx.TakeSnapshot) -> None:
        broker = self._brokers.get(query.book)
        if broker is None:
            reason = f"no broker serves {query.book}"
            self._sink(ev.SnapshotFailed(ts_recv=self._clock(), book=query.book, reason=reason))
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                taken = await broker.snapshot(query.since, urgent=query.urgent)
        except (RetryableError, RefusedError, UnknownOutcomeError, FatalError, TimeoutError) as error:
            reason = str(error) or "no answer"
            self._sink(ev.SnapshotFailed(ts_recv=self._clock(), book=query.book, reason=reason))
        except Exception:
            log.exception("a snapshot of %s failed", query.book)
            reason = "internal error, see the log"
            self._sink(ev.SnapshotFailed(ts_recv=self._clock(), book=query.book, reason=reason))
        else:
            self._sink(taken)


_CALLS: dict[type, Callable[[Broker, Any], Awaitable[str | None]]] = {
    fx.PlaceOrder: lambda broker, order: broker.place(order),
    fx.ModifyOrder: lambda broker, change: broker.modify(change),
    fx.CancelOrder: lambda broker, order: broker.cancel(order),
    fx.ClosePosition: lambda broker, position: broker.close(position),
}
