"""Faults that every twin has, whatever its wire: the catalogue of one, and those that are armed.

    twin.faults.add("lost-reply", call="place")         # armed; await .happened(), .acted, .disarm()
    twin.faults.add("silent", stream="any", seconds=30)
    twin.faults.add("drop", at=60.0)
    twin.faults.clear(); twin.faults.log                # (venue time, fault, what it acted on)

What goes wrong with a call is in calls.py; here is what goes wrong with streams and at moments. Whatever a
client is told, the twin's accounts stay true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from adapters.simulator.fault_plan import help_text as texts
from adapters.simulator.fault_plan.armed import Acted, Armed, ArmedFaults
from adapters.simulator.fault_plan.partial_fills import PartialFills
from adapters.simulator.fault_plan.plan import ANY, Catalogue, Fault, FaultOptions, Option, Seam, Value
from adapters.simulator.twins.calls import TwinCalls, add_calls
from adapters.simulator.twins.exchange import TwinExchange
from adapters.simulator.twins.sockets import Sockets, TwinSocket, straight
from engine.model.orders import OrderType, VenueOrder

_HEAD = """\
Faults of the practice venue {name}: --fault NAME[:key=value,...], as often as wanted. Whatever a client is
told, the venue's own accounts stay true. The same seed and the same occasions give the same faults.
"""
_OCCASIONS = {
    Seam.CALL: "Faults of calls. An occasion is a call that fits.",
    Seam.EVENT: "Faults of streams. An occasion is a message that fits, on its way to one connection.",
    Seam.FILL: "Faults of fills. An occasion is an order that fits and could fill more than a part.",
    Seam.MOMENT: "Faults of moments. An occasion is an instant of venue time.",
}
_HELD_S = 1.0
"""A message that is to come after the next one waits no longer than so, real seconds."""
_EVERY = Option(0.0, "again after so many seconds of venue time; 0 is never")


class Spoken(NamedTuple):
    """What a catalogue has to know of a wire."""

    name: str
    calls: tuple[str, ...]
    streams: tuple[str, ...]
    sockets: tuple[str, ...]


@dataclass(slots=True)
class FaultyMessage:
    """One message that a fault acts on."""

    options: FaultOptions
    exchange: TwinExchange
    send: Callable[[], None]
    """Sends it, or lets the next fault act."""
    hold: Callable[[], None]
    """Sends it after the next message of that connection."""


@dataclass(slots=True)
class FaultyMoment:
    """A moment at which a fault acts."""

    options: FaultOptions
    exchange: TwinExchange
    sockets: Sockets
    maintain: Callable[[float], None]
    """Answers nothing but that there is maintenance, for so many seconds of venue time."""


def catalogue(wire: Spoken) -> Catalogue:
    """Every fault of a wire's twin."""
    made = Catalogue()
    add_calls(made, wire.calls)
    _add_streams(made, wire.streams)
    made.add(
        "partial-fill",
        Seam.FILL,
        "An order fills in parts: at each print or quote that could fill it, so many lots at most.",
        "partial-fill:type=limit,qty=1,pause=5",
        type=Option(ANY, "orders of this type; the rest of a stop goes on as at market", (ANY, *OrderType)),
        qty=Option(1, "lots of one part"),
        pause=Option(0.0, "least time between two parts, seconds of venue time"),
    )(PartialFills)
    _add_moments(made, wire.streams, wire.sockets)
    return made


def help_text(wire: Spoken) -> str:
    """What --list-faults prints."""
    return texts.help_text(catalogue(wire), _HEAD.format(name=wire.name), _OCCASIONS)


def _add_streams(made: Catalogue, streams: Sequence[str]) -> None:
    first = "orders" if "orders" in streams else next(iter(streams), ANY)
    which = Option(ANY, "messages of this stream", (ANY, *streams))

    @made.add("duplicate", Seam.EVENT, "A message comes twice.", f"duplicate:stream={first}", stream=which)
    def _duplicate(context: FaultyMessage) -> None:
        context.send()
        context.send()

    @made.add(
        "out-of-order",
        Seam.EVENT,
        "A message comes after the one that followed it.",
        f"out-of-order:stream={first}",
        stream=which,
    )
    def _out_of_order(context: FaultyMessage) -> None:
        context.hold()

    @made.add(
        "lost-message", Seam.EVENT, "A message never comes.", f"lost-message:stream={first}", stream=which
    )
    def _lost(_context: FaultyMessage) -> None:
        return None

    @made.add(
        "late-message",
        Seam.EVENT,
        "A message comes so many seconds late.",
        f"late-message:stream={first},seconds=3",
        stream=which,
        seconds=Option(2.0, "of venue time"),
    )
    def _late(context: FaultyMessage) -> None:
        context.exchange.schedule.call_after(context.options.number("seconds"), context.send)


def _add_moments(made: Catalogue, streams: Sequence[str], sockets: Sequence[str]) -> None:
    which = Option(ANY, "connections of this kind", (ANY, *sockets))

    @made.add(
        "drop",
        Seam.MOMENT,
        "Connections are closed.",
        "drop:at=60,code=1001",
        socket=which,
        code=Option(1001, "of the close"),
        every=_EVERY,
    )
    def _drop(context: FaultyMoment) -> None:
        for one in context.sockets.of(context.options.text("socket")):
            context.sockets.soon(one.close(context.options.count("code")))

    @made.add(
        "reset", Seam.MOMENT, "Connections end without a word.", "reset:at=60", socket=which, every=_EVERY
    )
    def _reset(context: FaultyMoment) -> None:
        for one in context.sockets.of(context.options.text("socket")):
            one.reset()

    @made.add(
        "silent",
        Seam.MOMENT,
        "Connections stay open, and nothing comes on them. New ones are not silent.",
        "silent:at=60,stream=any",
        stream=Option(ANY, "only this stream; any: answers neither", (ANY, *streams)),
        socket=which,
        seconds=Option(0.0, "of venue time; 0 lasts as long as the connection"),
        every=_EVERY,
    )
    def _silent(context: FaultyMoment) -> None:
        stream, muted = context.options.text("stream"), context.sockets.of(context.options.text("socket"))
        for one in muted:
            one.muted.add(stream)
        if seconds := context.options.number("seconds"):
            context.exchange.schedule.call_after(seconds, partial(_speak, muted, stream))

    @made.add(
        "maintenance",
        Seam.MOMENT,
        "Every connection is closed, and for so long every call meets maintenance.",
        "maintenance:at=60,seconds=30",
        seconds=Option(30.0, "of venue time"),
        every=_EVERY,
    )
    def _maintenance(context: FaultyMoment) -> None:
        context.maintain(context.options.number("seconds"))
        for one in context.sockets.of(ANY):
            context.sockets.soon(one.close(1012))

    @made.add(
        "clock-error",
        Seam.MOMENT,
        "The venue's clock jumps: its stamps are off from then on.",
        "clock-error:by=-5",
        by=Option(5.0, "seconds; negative is back"),
        every=_EVERY,
    )
    def _clock_error(context: FaultyMoment) -> None:
        context.exchange.shift_clock(context.options.nanos("by"))


def _speak(muted: Iterable[TwinSocket], stream: str) -> None:
    for one in muted:
        one.muted.discard(stream)


class TwinFaults:
    """Every fault of one twin. They plug themselves in where they act."""

    def __init__(
        self, wire: Spoken, wanted: Iterable[Fault], seed: int, exchange: TwinExchange, sockets: Sockets
    ) -> None:
        """Faults given from the beginning count their seconds from now."""
        self.catalogue = catalogue(wire)
        self._armed = ArmedFaults(seed, exchange.now, exchange.schedule)
        self.calls = TwinCalls(self._armed)
        self.maintenance_until = 0
        """Nothing but maintenance is answered until then, nanoseconds UTC."""
        self._exchange = exchange
        self._sockets = sockets
        self._held: dict[TwinSocket, list[Callable[[], None]]] = {}
        self._partial: dict[tuple[str, str], PartialFills] = {}
        sockets.through = self._through
        for account in exchange.accounts.values():
            account.most_filled = partial(self._most_filled, account.name)
        for one in wanted:
            self._arm(one)

    def add(self, wanted: Fault | str, /, **options: Value) -> Armed:
        """Arm a fault, now. Raises FaultError."""
        armed = self._arm(self.catalogue.fault(wanted, **options) if isinstance(wanted, str) else wanted)
        self._armed.schedule.advance(self._armed.clock())
        return armed

    @property
    def log(self) -> Sequence[Acted]:
        """Whatever acted, oldest first."""
        return self._armed.log

    def clear(self) -> None:
        """Disarm every fault; what was put in motion goes on."""
        self._armed.clear()

    def close(self) -> None:
        """Let go of every client that a fault keeps waiting."""
        self._armed.schedule.close()

    def _arm(self, wanted: Fault) -> Armed:
        armed = self._armed.arm(wanted, self._armed.clock())
        if armed.kind.seam is Seam.MOMENT:
            self._armed.schedule.call_at(armed.starts, partial(self._tick, armed, armed.starts))
        return armed

    # -- moments ------------------------------------------------------------------------------------------

    def _tick(self, armed: Armed, due: int) -> None:
        options = armed.fault.options
        if armed.acts(due):
            self._armed.note(armed, due, "now")
            armed.kind.act(FaultyMoment(options, self._exchange, self._sockets, self._maintain))
        if (every := options.nanos("every")) and not armed.over(due):
            self._armed.schedule.call_at(due + every, partial(self._tick, armed, due + every))

    def _maintain(self, seconds: float) -> None:
        self.maintenance_until = self._exchange.now() + round(seconds * 1e9)

    # -- fills --------------------------------------------------------------------------------------------

    def _most_filled(self, account: str, order: VenueOrder, qty: int) -> int:
        fills = self._partial.get((account, order.venue_id))
        if fills is None:
            on = f"order {order.venue_id}"
            more = lambda options: qty > options.count("qty")  # noqa: E731
            acting = self._armed.acting(Seam.FILL, on, None, more, type=order.type)
            if not acting:
                return qty
            fills = self._partial[account, order.venue_id] = acting[0].kind.act(acting[0].fault.options)
        return fills.take(qty, self._armed.clock())

    # -- streams ------------------------------------------------------------------------------------------

    def _through(self, socket: TwinSocket, stream: str, text: str) -> None:
        acting = self._armed.acting(Seam.EVENT, stream, None, stream=stream)
        self._next(list(acting), socket, stream, text)
        if not any(one.kind.name == "out-of-order" for one in acting):
            self._let_go(socket)

    def _next(self, acting: list[Armed], socket: TwinSocket, stream: str, text: str) -> None:
        if not acting:
            straight(socket, stream, text)
            return
        first, *others = acting
        send = partial(self._next, others, socket, stream, text)
        context = FaultyMessage(first.fault.options, self._exchange, send, partial(self._hold, socket, send))
        first.kind.act(context)

    def _hold(self, socket: TwinSocket, send: Callable[[], None]) -> None:
        self._held.setdefault(socket, []).append(send)
        asyncio.get_running_loop().call_later(_HELD_S, self._let_go, socket)

    def _let_go(self, socket: TwinSocket) -> None:
        for send in self._held.pop(socket, ()):
            send()
