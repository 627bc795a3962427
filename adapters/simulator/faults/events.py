"""Faults of the streams: what becomes of user events on their way to the hub, and of subscriptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.simulator.exchange.account_rows import UserEvent
from adapters.simulator.exchange.schedule import Timetable
from adapters.simulator.faults.plan import Option, Options, Seam, kind
from adapters.simulator.market.ticker import DEPTH, QUOTES, TRADES

TARGETS = {
    "order": "GatewayUserOrder",
    "fill": "GatewayUserTrade",
    "position": "GatewayUserPosition",
    "account": "GatewayUserAccount",
}
NAMES = {target: name for name, target in TARGETS.items()}
STREAMS = {QUOTES: "quotes", TRADES: "trades", DEPTH: "depth", **NAMES}
ANY = "any"
_PATIENCE_S = 1.0
"""An event that was put behind others waits no longer than this for them, seconds of venue time."""


@dataclass(slots=True)
class Stage:
    """What a fault of events works with."""

    options: Options
    rng: random.Random
    timetable: Timetable
    tell: Callable[[Iterable[UserEvent]], None]
    """Sends events to the hub, past all faults."""
    behind: Callable[[UserEvent, int], Callable[[], None]]
    """Keeps an event until so many others have passed; gives what lets it go at once."""


EventAct = Callable[[Stage, UserEvent], Sequence[UserEvent]]
"""What is told instead of an event, now."""
ACTS: dict[str, EventAct] = {}
_EVENT = Option(ANY, "which events", (ANY, *TARGETS))
_STATUS = Option(
    0, "only orders of this status: 1 open, 2 filled, 3 cancelled, 6 pending, 8 suspended; 0: all"
)


def _fault(name: str, about: str, example: str, **options: Option) -> Callable[[EventAct], EventAct]:
    def add(act: EventAct) -> EventAct:
        kind(name, Seam.EVENT, about, example, event=_EVENT, status=_STATUS, **options)
        ACTS[name] = act
        return act

    return add


@_fault("lost-event", "The user hub never tells of something that happened.", "lost-event:event=fill")
def _lost_event(_stage: Stage, _event: UserEvent) -> Sequence[UserEvent]:
    return ()


@_fault(
    "doubled-event",
    "The user hub tells something twice; a trade the second time as an update.",
    "doubled-event:event=fill,times=0",
)
def _doubled_event(_stage: Stage, event: UserEvent) -> Sequence[UserEvent]:
    return event, event._replace(action=max(1, event.action))


@_fault(
    "late-event",
    "The user hub tells of something so many seconds later; what follows overtakes it.",
    "late-event:event=fill,seconds=3",
    seconds=Option(3.0, "of venue time"),
)
def _late_event(stage: Stage, event: UserEvent) -> Sequence[UserEvent]:
    stage.timetable.call_after(stage.options.number("seconds"), lambda: stage.tell((event,)))
    return ()


@_fault(
    "overtaken-event",
    "The user hub tells of something after the next events: children before their parent, fills last.",
    "overtaken-event:event=order,status=6,behind=1",
    behind=Option(1, "how many events overtake it; after a second it comes in any case"),
)
def _overtaken_event(stage: Stage, event: UserEvent) -> Sequence[UserEvent]:
    release = stage.behind(event, stage.options.count("behind"))
    stage.timetable.call_after(_PATIENCE_S, release)
    return ()


@_fault(
    "shuffled-events",
    "The user hub tells events in any order: each is overtaken by up to so many, by the seed.",
    "shuffled-events:times=0,behind=4",
    behind=Option(4, "most events that overtake one; after a second it comes in any case"),
    times=Option(0, "shuffle so many events; 0 is for ever"),
)
def _shuffled_events(stage: Stage, event: UserEvent) -> Sequence[UserEvent]:
    behind = stage.rng.randint(0, stage.options.count("behind"))
    if not behind:
        return (event,)
    release = stage.behind(event, behind)
    stage.timetable.call_after(_PATIENCE_S, release)
    return ()


@_fault(
    "bare-events",
    "The user hub sends rows without their envelope, as some servers did.",
    "bare-events:keys=pascal",
    keys=Option("camel", "how fields are written", ("camel", "pascal")),
    ids=Option("number", "how ids are written", ("number", "text")),
    times=Option(0, "send so many events bare; 0 is for ever"),
)
def _bare_events(stage: Stage, event: UserEvent) -> Sequence[UserEvent]:
    data: dict[str, Any] = dict(event.data)
    if stage.options.text("ids") == "text":
        data |= {key: str(value) for key, value in data.items() if key == "id" or key.endswith("Id")}
    if stage.options.text("keys") == "pascal":
        data = {key[0].upper() + key[1:]: value for key, value in data.items()}
    return (event._replace(data=data, bare=True),)


kind(
    "lost-subscription",
    Seam.SUBSCRIPTION,
    "A hub completes a subscription, but nothing ever comes of it.",
    "lost-subscription:stream=quotes,nth=2",
    stream=Option(ANY, "which stream", (ANY, *STREAMS.values())),
)


def concerns(options: Options, event: UserEvent) -> bool:
    """Whether an event is an occasion for a fault with these options."""
    if options.text("event") not in (ANY, NAMES[event.target]):
        return False
    return not options.count("status") or options.count("status") == event.data.get("status")


class Overtaken:
    """An event that lets others pass."""

    __slots__ = ("_left", "_release", "event")

    def __init__(self, event: UserEvent, count: int, release: Callable[[Overtaken], None]) -> None:
        self.event = event
        self._left = count
        self._release = release

    def passed(self) -> None:
        """Another event was told."""
        self._left -= 1
        if self._left <= 0:
            self._release(self)
