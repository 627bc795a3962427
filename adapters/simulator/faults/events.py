"""Faults of the streams: what becomes of user events on their way to the hub, and of subscriptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.faults.armed import ArmedFaults
from adapters.simulator.faults.plan import FaultOptions, Option, Seam, add_kind
from adapters.simulator.wire.hubs import DEPTH, QUOTES, TRADES, Topic
from adapters.simulator.wire.json_rows import ACCOUNTS, FILLS, ORDERS, POSITIONS, HubEvent

TARGETS = {
    "order": ORDERS,
    "fill": FILLS,
    "position": POSITIONS,
    "account": ACCOUNTS,
}
NAMES = {target: name for name, target in TARGETS.items()}
STREAMS = {QUOTES: "quotes", TRADES: "trades", DEPTH: "depth", **NAMES}
ANY = "any"
_PATIENCE_S = 1.0
"""An event that was put behind others waits no longer than this for them, seconds of venue time."""


@dataclass(slots=True)
class EventContext:
    """What a fault of events works with."""

    options: FaultOptions
    rng: random.Random
    schedule: Schedule
    send: Callable[[Iterable[HubEvent]], None]
    """Sends events to the hub, past all faults."""
    behind: Callable[[HubEvent, int], Callable[[], None]]
    """Keeps an event until so many others have passed; gives what lets it go at once."""


EventFault = Callable[[EventContext, HubEvent], Sequence[HubEvent]]
"""What is told instead of an event, now."""
EVENT_FAULTS: dict[str, EventFault] = {}
_EVENT = Option(ANY, "which events", (ANY, *TARGETS))
_STATUS = Option(
    0, "only orders of this status: 1 open, 2 filled, 3 cancelled, 6 pending, 8 suspended; 0: all"
)


def _fault(name: str, about: str, example: str, **options: Option) -> Callable[[EventFault], EventFault]:
    def add(act: EventFault) -> EventFault:
        add_kind(name, Seam.EVENT, about, example, event=_EVENT, status=_STATUS, **options)
        EVENT_FAULTS[name] = act
        return act

    return add


@_fault("lost-event", "The user hub never tells of something that happened.", "lost-event:event=fill")
def _lost_event(_context: EventContext, _event: HubEvent) -> Sequence[HubEvent]:
    return ()


@_fault(
    "doubled-event",
    "The user hub tells something twice; a trade the second time as an update.",
    "doubled-event:event=fill,times=0",
)
def _doubled_event(_context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    return event, event._replace(action=max(1, event.action))


@_fault(
    "late-event",
    "The user hub tells of something so many seconds later; what follows overtakes it.",
    "late-event:event=fill,seconds=3",
    seconds=Option(3.0, "of venue time"),
)
def _late_event(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    context.schedule.call_after(context.options.number("seconds"), lambda: context.send((event,)))
    return ()


@_fault(
    "overtaken-event",
    "The user hub tells of something after the next events: children before their parent, fills last.",
    "overtaken-event:event=order,status=6,behind=1",
    behind=Option(1, "how many events overtake it; after a second it comes in any case"),
)
def _overtaken_event(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    release = context.behind(event, context.options.count("behind"))
    context.schedule.call_after(_PATIENCE_S, release)
    return ()


@_fault(
    "shuffled-events",
    "The user hub tells events in any order: each is overtaken by up to so many, by the seed.",
    "shuffled-events:times=0,behind=4",
    behind=Option(4, "most events that overtake one; after a second it comes in any case"),
    times=Option(0, "shuffle so many events; 0 is for ever"),
)
def _shuffled_events(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    behind = context.rng.randint(0, context.options.count("behind"))
    if not behind:
        return (event,)
    release = context.behind(event, behind)
    context.schedule.call_after(_PATIENCE_S, release)
    return ()


@_fault(
    "bare-events",
    "The user hub sends rows without their envelope, as some servers did.",
    "bare-events:keys=pascal",
    keys=Option("camel", "how fields are written", ("camel", "pascal")),
    ids=Option("number", "how ids are written", ("number", "text")),
    times=Option(0, "send so many events bare; 0 is for ever"),
)
def _bare_events(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    data: dict[str, Any] = dict(event.data)
    if context.options.text("ids") == "text":
        data |= {key: str(value) for key, value in data.items() if key == "id" or key.endswith("Id")}
    if context.options.text("keys") == "pascal":
        data = {key[0].upper() + key[1:]: value for key, value in data.items()}
    return (event._replace(data=data, bare=True),)


add_kind(
    "lost-subscription",
    Seam.SUBSCRIPTION,
    "A hub completes a subscription, but nothing ever comes of it.",
    "lost-subscription:stream=quotes,nth=2",
    stream=Option(ANY, "which stream", (ANY, *STREAMS.values())),
)


class OvertakenEvent:
    """An event that lets others pass."""

    __slots__ = ("_left", "_release", "event")

    def __init__(self, event: HubEvent, count: int, release: Callable[[OvertakenEvent], None]) -> None:
        self.event = event
        self._left = count
        self._release = release

    def passed(self) -> None:
        """Another event was told."""
        self._left -= 1
        if self._left <= 0:
            self._release(self)


class EventFaults:
    """Stands between the accounts and the user hub, and before subscriptions."""

    def __init__(
        self,
        armed: ArmedFaults,
        send: Callable[[Iterable[HubEvent]], None],
        follow: Callable[[str], None],
    ) -> None:
        """`send` is the hub's; `follow` is told of each event that was passed on, or would have been."""
        self._armed = armed
        self._send = send
        self._follow = follow
        self._behind: list[OvertakenEvent] = []

    def send(self, event: HubEvent) -> None:
        """Pass an event on to the hub, as the faults have it."""
        if not (self._armed.at(Seam.EVENT) or self._behind or self._armed.at(Seam.MOMENT)):
            self._send((event,))
            return
        overtaken = tuple(self._behind)
        name = NAMES[event.target]
        out: Sequence[HubEvent] = (event,)
        for armed in self._armed.acting(Seam.EVENT, name, lambda o: _concerns(o, event)):
            context = EventContext(
                armed.fault.options, armed.rng, self._armed.schedule, self._send, self._put_behind
            )
            act = EVENT_FAULTS[armed.fault.name]
            out = [sent for one in out for sent in act(context, one)]
        self._send(out)
        if out:
            for waiting in overtaken:
                waiting.passed()
        self._follow(name)

    def accepts(self, topic: Topic) -> bool:
        """Whether a subscription takes effect."""
        if not self._armed.at(Seam.SUBSCRIPTION):
            return True
        stream = STREAMS[topic[0]]
        return not self._armed.acting(Seam.SUBSCRIPTION, stream, lambda o: o.text("stream") in (ANY, stream))

    def _put_behind(self, event: HubEvent, count: int) -> Callable[[], None]:
        waiting = OvertakenEvent(event, count, self._release)
        self._behind.append(waiting)
        return partial(self._release, waiting)

    def _release(self, waiting: OvertakenEvent) -> None:
        if waiting in self._behind:
            self._behind.remove(waiting)
            self._send((waiting.event,))


def _concerns(options: FaultOptions, event: HubEvent) -> bool:
    """Whether an event is an occasion for a fault with these options."""
    if options.text("event") not in (ANY, NAMES[event.target]):
        return False
    return not options.count("status") or options.count("status") == event.data.get("status")
