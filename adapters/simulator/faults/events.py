"""Faults of the streams: what becomes of user events on their way to the hub, and of subscriptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.fault_plan.armed import ArmedFaults
from adapters.simulator.fault_plan.plan import ANY, FaultOptions, FaultyAccount, Option, Seam, of_account
from adapters.simulator.faults.catalogue import add_kind
from adapters.simulator.wire.projectx.hubs import DEPTH, QUOTES, TRADES, Topic
from adapters.simulator.wire.projectx.json_rows import ACCOUNTS, FILLS, ORDERS, POSITIONS, HubEvent

TARGETS = {
    "order": ORDERS,
    "fill": FILLS,
    "position": POSITIONS,
    "account": ACCOUNTS,
}
NAMES = {target: name for name, target in TARGETS.items()}
STREAMS = {QUOTES: "quotes", TRADES: "trades", DEPTH: "depth", **NAMES}
_DEEP = 100_000
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

    def overtaken(self, event: HubEvent, count: int) -> Sequence[HubEvent]:
        """Let so many others pass the event: what is told now."""
        if not count:
            return (event,)
        self.schedule.call_after(_PATIENCE_S, self.behind(event, count))
        return ()


EventFault = Callable[[EventContext, HubEvent], Sequence[HubEvent]]
"""What is told instead of an event, now."""
_EVENT = Option(ANY, "which events", (ANY, *TARGETS))
_STATUS = Option(
    0, "only orders of this status: 1 open, 2 filled, 3 cancelled, 6 pending, 8 suspended; 0: all"
)


def _fault(name: str, about: str, example: str, **options: Option) -> Callable[[EventFault], EventFault]:
    return add_kind(
        name,
        Seam.EVENT,
        about,
        example,
        **{"event": _EVENT, "status": _STATUS, "account": of_account()} | options,
    )


_fault("lost-event", "The user hub never tells of something that happened.", "lost-event:event=fill")(
    lambda _context, _event: ()
)
_fault(
    "doubled-event",
    "The user hub tells something twice; a trade the second time as an update.",
    "doubled-event:event=fill,times=0",
)(lambda _context, event: (event, event._replace(action=max(1, event.action))))


@_fault(
    "late-event",
    "The user hub tells of something so many seconds later; what follows overtakes it.",
    "late-event:event=fill,seconds=3",
    seconds=Option(3.0, "of venue time"),
)
def _late_event(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    context.schedule.call_after(context.options.number("seconds"), lambda: context.send((event,)))
    return ()


_fault(
    "overtaken-event",
    "The user hub tells of something after the next events: children before their parent, fills last.",
    "overtaken-event:event=order,status=6,behind=1",
    behind=Option(1, "how many events overtake it; after a second it comes in any case"),
)(lambda context, event: context.overtaken(event, context.options.count("behind")))
_fault(
    "shuffled-events",
    "The user hub tells events in any order: each is overtaken by up to so many, by the seed.",
    "shuffled-events:times=0,behind=4",
    behind=Option(4, "most events that overtake one; after a second it comes in any case"),
    times=Option(0, "shuffle so many events; 0 is for ever"),
)(lambda context, event: context.overtaken(event, context.rng.randint(0, context.options.count("behind"))))


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


@_fault(
    "monstrous-event",
    "The user hub tells of something in a record that can't be true.",
    "monstrous-event:event=fill,how=number",
    how=Option(
        "deep",
        "nested 100,000 levels deep, of 8 MB, of 10^12 contracts, or in the year 9999",
        ("deep", "long", "number", "time"),
    ),
)
def _monstrous_event(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    monsters: dict[str, dict[str, Any]] = {
        "deep": {"more": msgspec.Raw(b"[" * _DEEP + b"]" * _DEEP)},
        "long": {"more": "x" * 8_000_000},
        "number": {"size": 10**12},
        "time": {"creationTimestamp": "9999-12-31T23:59:59+00:00"},
    }
    return (event._replace(data={**event.data, **monsters[context.options.text("how")]}),)


@_fault(
    "absurd-fill",
    "The user hub tells of a fill that never was, behind a true one or instead of it.",
    "absurd-fill:qty=1000000000,order=unknown",
    event=Option("fill", "which events", ("fill",)),
    qty=Option(10**9, "contracts"),
    times_price=Option(1.0, "how many times the true price"),
    order=Option("unknown", "of an order that nobody knows, or of the true one", ("unknown", "true")),
    instead=Option(False, "the true one is not told"),
)
def _absurd_fill(context: EventContext, event: HubEvent) -> Sequence[HubEvent]:
    options, true = context.options, dict(event.data)
    price = round(true["price"] * options.number("times_price"))  # a whole point is on every product's grid
    data = true | {"size": options.count("qty")}
    if options.number("times_price") != 1:
        data["price"] = price
    if not options.yes("instead"):
        data["id"] = true["id"] + 10**9
    if options.text("order") == "unknown":
        data["orderId"] = true["orderId"] + 10**9
    told = event._replace(data=data)
    return (told,) if options.yes("instead") else (event, told)


add_kind(
    "lost-subscription",
    Seam.SUBSCRIPTION,
    "A hub completes a subscription, but nothing ever comes of it.",
    "lost-subscription:stream=quotes,nth=2",
    stream=Option(ANY, "which stream", (ANY, *STREAMS.values())),
    account=of_account(),
)(lambda: False)


@dataclass(slots=True, eq=False)
class OvertakenEvent:
    """An event that lets others pass."""

    event: HubEvent
    left: int
    release: Callable[[OvertakenEvent], None]

    def passed(self) -> None:
        """Another event was told."""
        self.left -= 1
        if self.left <= 0:
            self.release(self)


class EventFaults:
    """Stands between the accounts and the user hub, and before subscriptions."""

    def __init__(
        self,
        armed: ArmedFaults,
        send: Callable[[Iterable[HubEvent]], None],
        follow: Callable[[str, FaultyAccount | None], None],
        accounts: Mapping[int, FaultyAccount],
    ) -> None:
        """`send` is the hub's; `follow` is told of each event that was passed on, or would have been."""
        self._armed = armed
        self._send = send
        self._follow = follow
        self._accounts = accounts
        self._behind: list[OvertakenEvent] = []

    def send(self, event: HubEvent) -> None:
        """Pass an event on to the hub, as the faults have it."""
        if not (self._armed.at(Seam.EVENT) or self._behind or self._armed.at(Seam.MOMENT)):
            self._send((event,))
            return
        overtaken = tuple(self._behind)
        name = NAMES[event.target]
        out: Sequence[HubEvent] = (event,)
        account, status = self._accounts.get(event.account_id), event.data.get("status", -1)
        for armed in self._armed.acting(Seam.EVENT, name, account, event=name, status=status):
            context = EventContext(
                armed.fault.options, armed.rng, self._armed.schedule, self._send, self._put_behind
            )
            out = [sent for one in out for sent in armed.kind.act(context, one)]
        self._send(out)
        if out:
            for waiting in overtaken:
                waiting.passed()
        self._follow(name, account)

    def accepts(self, topic: Topic) -> bool:
        """Whether a subscription takes effect."""
        stream, of = STREAMS[topic[0]], topic[1]
        account = self._accounts.get(of) if isinstance(of, int) else None
        return not self._armed.acting(Seam.SUBSCRIPTION, stream, account, stream=stream)

    def _put_behind(self, event: HubEvent, count: int) -> Callable[[], None]:
        waiting = OvertakenEvent(event, count, self._release)
        self._behind.append(waiting)
        return partial(self._release, waiting)

    def _release(self, waiting: OvertakenEvent) -> None:
        if waiting in self._behind:
            self._behind.remove(waiting)
            self._send((waiting.event,))
