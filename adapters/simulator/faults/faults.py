"""The practice venue misbehaves on command: scripted, seeded faults, each where the real one would act.

The venue's own books stay true, whatever the client is told. From the start of a venue, or while it runs:

    SimulatorConfig(faults=(fault("lost-reply", call="place"), parse("late-event:event=fill,seconds=3")))
    armed = venue.faults.add("lost-reply", call="place", type="stop", nth=2)   # the 2nd stop that is placed
    await armed.happened()         # until it has acted; armed.acted counts, armed.over says it acts no more
    armed.disarm(); venue.faults.clear(); venue.faults.log   # (venue time, fault, what it acted on)

Every fault can be told when: `nth` (from the so many-th occasion), `times` (so often; 0 for ever), `p`
(with this probability), `at` and `lasting` (seconds of venue time since it was given). An occasion is a
call, an event, an order, as the fault's kind says. Faults of moments act at once, or at `at`, or again
`every` so many seconds, or tied by `on` to a call ("place") or an event ("fill"): right after it. The same
seed (`SimulatorConfig.fault_seed`, else its `seed`) and the same occasions give the same faults. All seconds
are venue time, so a clock that a test moves moves them too. `CATALOGUE` has every kind with its options;
`tstream simulate --list-faults` prints it.

Deeds without a fault, at once:

    venue.deeds.expire_tokens()                     .rotate_key("other")
    venue.deeds.drop_hubs("user", close_record=False)   # "both", "market", "user"
    venue.deeds.log_out()                           .halt(seconds)      .close_session()
    venue.deeds.roll("MNQ", basis=400)              # the next month becomes the active contract
    restore = venue.deeds.silence_market("quotes")  .silence_user()     # open connections only
    venue.deeds.auto_oco(False)                     .legs_on_close("cancel")    .skew_clock(5.0)
    venue.hand.trade("MNQ", Side.SELL, 2)           # somebody trades on the platform: no tag
    venue.hand.rest("MNQ", Side.BUY, 1, limit=118_000)      .cancel(order_id)
    venue.hand.cancel_leg("MNQ", OrderType.STOP)    # or LIMIT, the target
    venue.hand.flatten()                            .block()   .unblock()
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from adapters.simulator.exchange.account_rows import UserEvent
from adapters.simulator.exchange.by_hand import Hand
from adapters.simulator.exchange.schedule import Timetable
from adapters.simulator.faults import calls as fault_calls
from adapters.simulator.faults import events as fault_events
from adapters.simulator.faults import moments as fault_moments
from adapters.simulator.faults import orders as fault_orders
from adapters.simulator.faults.armed import Acted, Armed
from adapters.simulator.faults.controls import Deeds
from adapters.simulator.faults.plan import (
    CATALOGUE,
    Fault,
    FaultError,
    Kind,
    Options,
    Seam,
    Value,
    fault,
    parse,
)
from adapters.simulator.wire.hubs import Topic
from adapters.simulator.wire.requests import PlaceOrder
from engine.model.errors import RefusedError
from engine.model.orders import VenueOrder
from engine.ports import Clock

__all__ = ["CATALOGUE", "Acted", "Armed", "Fault", "FaultError", "Faults", "Kind", "fault", "parse"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Outlet = Callable[[Iterable[UserEvent]], None]

log = logging.getLogger(__name__)


class Faults:
    """Every fault of one venue, and the places in it where they act. Unarmed they cost next to nothing."""

    def __init__(self, wanted: Iterable[Fault], seed: int, clock: Clock, start: int, outlet: Outlet) -> None:
        self.timetable = Timetable(clock)
        self.log: list[Acted] = []
        """Whatever acted, oldest first."""
        self._seed = seed
        self._clock = clock
        self._outlet = outlet
        self._given = 0
        self._armed: dict[Seam, list[Armed]] = {seam: [] for seam in Seam}
        self._behind: list[fault_events.Overtaken] = []
        self._parts: dict[str, fault_orders.Parts] = {}
        self._answered: dict[str, bytes] = {}
        self._closing = asyncio.Event()
        self._hands: tuple[Deeds, Hand] | None = None
        for one in wanted:
            self._arm(one, start)

    def give_hands(self, deeds: Deeds, hand: Hand) -> None:
        """What faults of moments act with."""
        self._hands = deeds, hand

    # -- what others use ---------------------------------------------------------------------------

    def add(self, wanted: Fault | str, /, **options: Value) -> Armed:
        """Arm a fault, now. Raises FaultError."""
        armed = self._arm(fault(wanted, **options) if isinstance(wanted, str) else wanted, self._clock())
        self.advance(self._clock())
        return armed

    @property
    def armed(self) -> Sequence[Armed]:
        """The faults that may still act."""
        now = self._clock()
        return tuple(armed for found in self._armed.values() for armed in found if not armed.over(now))

    def clear(self) -> None:
        """Disarm every fault; what was put in motion goes on."""
        for found in self._armed.values():
            for armed in found:
                armed.disarm()
            found.clear()

    def _arm(self, wanted: Fault, now: int) -> Armed:
        armed = Armed(wanted, f"{self._seed}:{self._given}:{wanted.name}", now)
        self._given += 1
        found = self._armed[armed.kind.seam]
        found[:] = [one for one in found if not one.over(now)] + [armed]
        if armed.kind.seam is Seam.MOMENT and wanted.options.text("on") == fault_moments.AT_ONCE:
            self.timetable.call_at(armed.starts, partial(self._tick, armed, armed.starts))
        return armed

    def _struck(self, seam: Seam, on: str, concerns: Callable[[Options], bool]) -> list[Armed]:
        """The faults of a seam that act on an occasion."""
        now = self._clock()
        found = [one for one in self._armed[seam] if concerns(one.fault.options) and one.strikes(now)]
        for armed in found:
            self._note(armed, now, on)
        return found

    def _note(self, armed: Armed, now: int, on: str) -> None:
        self.log.append(Acted(now, armed.fault.name, on))
        level = logging.WARNING if armed.acted == 1 else logging.INFO
        log.log(level, "fault %s acts on %s", armed.fault, on)

    # -- calls -------------------------------------------------------------------------------------

    def guard(self, handler: Handler) -> Handler:
        """The handler of all requests, with faults between it and the client."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            call = fault_calls.NAMES.get(request.path.rstrip("/").lower())
            if call is None or not (self._armed[Seam.CALL] or self._armed[Seam.MOMENT]):
                return await handler(request)
            return await self._call(call, request, handler)

        return guarded

    async def _call(self, call: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        body: Mapping[str, Any] = {}
        with suppress(msgspec.DecodeError):
            body = msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])

        async def handle() -> web.StreamResponse:
            answer = await handler(request)
            self._follow(call)
            self.advance(self._clock())
            return answer

        act: fault_calls.Act = handle
        for armed in self._struck(Seam.CALL, call, lambda o: fault_calls.concerns(o, call, body)):
            scene = fault_calls.Scene(
                call, request, armed.fault.options, self.timetable, self._closing, self._answered
            )
            act = partial(fault_calls.ACTS[armed.fault.name], scene, act)
        answer = await act()
        self._answered[call] = fault_calls.content(answer)
        return answer

    # -- events and subscriptions ------------------------------------------------------------------

    def tell(self, event: UserEvent) -> None:
        """Pass a user event on to the hub, as the faults have it."""
        if not (self._armed[Seam.EVENT] or self._behind or self._armed[Seam.MOMENT]):
            self._outlet((event,))
            return
        overtaken = tuple(self._behind)
        name = fault_events.NAMES[event.target]
        out: Sequence[UserEvent] = (event,)
        for armed in self._struck(Seam.EVENT, name, lambda o: fault_events.concerns(o, event)):
            stage = fault_events.Stage(
                armed.fault.options, armed.rng, self.timetable, self._outlet, self._overtake
            )
            act = fault_events.ACTS[armed.fault.name]
            out = [told for one in out for told in act(stage, one)]
        self._outlet(out)
        if out:
            for waiting in overtaken:
                waiting.passed()
        self._follow(name)

    def _overtake(self, event: UserEvent, count: int) -> Callable[[], None]:
        waiting = fault_events.Overtaken(event, count, self._let_go)
        self._behind.append(waiting)
        return partial(self._let_go, waiting)

    def _let_go(self, waiting: fault_events.Overtaken) -> None:
        if waiting in self._behind:
            self._behind.remove(waiting)
            self._outlet((waiting.event,))

    def admits(self, topic: Topic) -> bool:
        """Whether a subscription takes effect."""
        if not self._armed[Seam.SUBSCRIPTION]:
            return True
        stream = fault_events.STREAMS[topic[0]]
        any_ = fault_events.ANY
        return not self._struck(Seam.SUBSCRIPTION, stream, lambda o: o.text("stream") in (any_, stream))

    # -- orders ------------------------------------------------------------------------------------

    def objection(self, symbol: str, order: PlaceOrder) -> str | None:
        """Why an order is rejected, or None."""
        if not self._armed[Seam.ORDER]:
            return None
        struck = self._struck(Seam.ORDER, symbol, lambda o: fault_orders.concerns_order(o, symbol, order))
        return struck[0].fault.options.text("text") if struck else None

    def portion(self, order: VenueOrder, qty: int) -> int:
        """How many of the contracts that an order could trade now it does trade."""
        parts = self._parts.get(order.venue_id)
        if parts is None:
            if not self._armed[Seam.FILL]:
                return qty
            struck = self._struck(
                Seam.FILL,
                f"order {order.venue_id}",
                lambda o: qty > o.count("qty") and fault_orders.concerns_fill(o, order),
            )
            if not struck:
                return qty
            parts = self._parts[order.venue_id] = fault_orders.Parts(struck[0].fault.options)
        return parts.take(qty, self._clock())

    # -- moments -----------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Let everything happen that is due."""
        if self._hands is not None:
            self.timetable.advance(now)

    def _follow(self, occasion: str) -> None:
        """Something was done or told: faults that are tied to it act as soon as the books are straight."""
        for armed in self._armed[Seam.MOMENT]:
            if armed.fault.options.text("on") == occasion and armed.strikes(now := self._clock()):
                self._note(armed, now, occasion)
                self.timetable.call_at(now, partial(self._act, armed))

    def _tick(self, armed: Armed, due: int) -> None:
        every = armed.fault.options.nanos("every")
        if armed.strikes(due):
            self._note(armed, due, fault_moments.AT_ONCE)
            self._act(armed)
        if every and not armed.over(due):
            self.timetable.call_at(due + every, partial(self._tick, armed, due + every))

    def _act(self, armed: Armed) -> None:
        assert self._hands is not None
        deeds, hand = self._hands
        grip = fault_moments.Grip(armed.fault.options, deeds, hand, self.timetable)
        try:
            fault_moments.ACTS[armed.fault.name](grip)
        except RefusedError as error:
            log.warning("fault %s could do nothing: %s", armed.fault, error)

    # -- the end -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of every client that a fault keeps waiting."""
        self._closing.set()
        self.timetable.close()
