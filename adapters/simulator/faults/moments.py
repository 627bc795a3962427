"""Faults that come at a moment: of venue time, or just after the venue did something."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from adapters.simulator.exchange.clock import Schedule
from adapters.simulator.faults.armed import Armed, ArmedFaults
from adapters.simulator.faults.calls import CALLS
from adapters.simulator.faults.controls import HubChoice, LegsOnClose, Platform, StreamChoice, VenueControls
from adapters.simulator.faults.events import TARGETS
from adapters.simulator.faults.plan import FaultOptions, Option, Seam, add_kind
from engine.model.errors import RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderType

log = logging.getLogger(__name__)

AT_ONCE = "time"
OCCASIONS = (AT_ONCE, *(call for call in CALLS if not call.endswith("-hub")), *TARGETS)
"""What a moment can be tied to: venue time, the end of a call's work, or a user event that was told."""


@dataclass(slots=True)
class MomentContext:
    """What a fault of this kind acts with."""

    options: FaultOptions
    controls: VenueControls
    platform: Platform
    schedule: Schedule

    def later(self, key: str, undo: Callable[[], None]) -> None:
        """Undo it after the seconds of an option, if it says any."""
        if seconds := self.options.number(key):
            self.schedule.call_after(seconds, undo)


MomentFault = Callable[[MomentContext], None]
MOMENT_FAULTS: dict[str, MomentFault] = {}
_HUB = Option("both", "which hub", ("both", "market", "user"))
_UNTIL = Option(0.0, "end it after so many seconds of venue time; 0 leaves it")
_ON = Option(
    AT_ONCE, "act by venue time, or just after such a call was handled or such an event was told", OCCASIONS
)
_EVERY = Option(0.0, "by venue time: again every so many seconds, until `times` is reached")


def _fault(name: str, about: str, example: str, **options: Option) -> Callable[[MomentFault], MomentFault]:
    def add(act: MomentFault) -> MomentFault:
        add_kind(name, Seam.MOMENT, about, example, **options, on=_ON, every=_EVERY)
        MOMENT_FAULTS[name] = act
        return act

    return add


def _hub(context: MomentContext) -> HubChoice:
    return cast(HubChoice, context.options.text("hub"))


@_fault(
    "dropped-hubs",
    "Open hub connections end: without a word, or with a close record.",
    "dropped-hubs:on=place,hub=user",
    hub=_HUB,
    goodbye=Option(False, "send a close record first"),
)
def _dropped_hubs(context: MomentContext) -> None:
    context.controls.drop_hubs(_hub(context), close_record=context.options.yes("goodbye"))


@_fault(
    "logout",
    "GatewayLogout arrives on open hubs, which then close.",
    "logout:at=60",
    hub=_HUB,
    close=Option(True, "close the connections after it"),
)
def _logout(context: MomentContext) -> None:
    context.controls.log_out(_hub(context), close=context.options.yes("close"))


@_fault(
    "silent-market",
    "Open market connections hear nothing more, but pings go on; a new connection hears everything.",
    "silent-market:at=30,what=quotes",
    what=Option("all", "what stops", ("all", "quotes", "trades", "depth")),
    seconds=_UNTIL,
)
def _silent_market(context: MomentContext) -> None:
    context.later(
        "seconds", context.controls.silence_market(cast(StreamChoice, context.options.text("what")))
    )


@_fault(
    "silent-user",
    "Open user connections hear nothing more, but pings go on; a new connection hears everything.",
    "silent-user:on=place",
    seconds=_UNTIL,
)
def _silent_user(context: MomentContext) -> None:
    context.later("seconds", context.controls.silence_user())


@_fault(
    "expired-tokens",
    "Every token becomes invalid at once, while hubs opened with it stay open.",
    "expired-tokens:every=600,times=0",
)
def _expired_tokens(context: MomentContext) -> None:
    context.controls.expire_tokens()


@_fault(
    "rotated-key",
    "Another API key is valid from now on: logging in with the old one fails.",
    "rotated-key:at=120,key=other",
    key=Option("rotated", "the new key"),
)
def _rotated_key(context: MomentContext) -> None:
    context.controls.rotate_key(context.options.text("key"))


@_fault(
    "halt",
    "No order is taken for some seconds; cancels pass, resting orders stay.",
    "halt:on=fill,seconds=30",
    seconds=Option(10.0, "how long, venue time"),
)
def _halt(context: MomentContext) -> None:
    context.controls.halt(context.options.number("seconds"))


@_fault(
    "closed-session",
    "As at 15:10 Chicago time: the desk flattens; orders are refused until the next session opens.",
    "closed-session:at=300",
)
def _closed_session(context: MomentContext) -> None:
    context.controls.close_session()


@_fault(
    "position-brackets",
    "The account is in Position Brackets mode: orders with brackets are refused.",
    "position-brackets",
    seconds=_UNTIL,
)
def _position_brackets(context: MomentContext) -> None:
    context.controls.auto_oco(False)
    context.later("seconds", lambda: context.controls.auto_oco(True))


@_fault(
    "orphan-legs",
    "Whether closing a position leaves its bracket legs in the market, where they can open a new one.",
    "orphan-legs:habit=cancel",
    habit=Option("keep", "legs stay or are cancelled", ("keep", "cancel")),
)
def _orphan_legs(context: MomentContext) -> None:
    context.controls.legs_on_close(cast(LegsOnClose, context.options.text("habit")))


@_fault(
    "cancelled-leg",
    "The venue cancels a working bracket leg by itself.",
    "cancelled-leg:on=position,leg=stop",
    leg=Option("stop", "which leg", ("stop", "target")),
    symbol=Option("", "of this product; empty: the newest of all", ("", *CME_FUTURES)),
)
def _cancelled_leg(context: MomentContext) -> None:
    which = OrderType.STOP if context.options.text("leg") == "stop" else OrderType.LIMIT
    context.platform.cancel_leg(context.options.text("symbol"), which)


@_fault(
    "outside-trade",
    "Somebody trades at market on the platform: the position changes without an order of ours.",
    "outside-trade:at=60,symbol=MNQ,side=sell,qty=1",
    symbol=Option("MNQ", "which product", tuple(CME_FUTURES)),
    side=Option("buy", "which way", ("buy", "sell")),
    qty=Option(1, "contracts"),
)
def _outside_trade(context: MomentContext) -> None:
    side = Side.BUY if context.options.text("side") == "buy" else Side.SELL
    context.platform.trade(context.options.text("symbol"), side, context.options.count("qty"))


@_fault(
    "outside-flatten",
    "The desk flattens the account: orders expire, positions are closed at market.",
    "outside-flatten:at=60",
)
def _outside_flatten(context: MomentContext) -> None:
    context.platform.flatten()


@_fault(
    "blocked-account",
    "The account may not trade (canTrade false); its orders and positions stay.",
    "blocked-account:at=60,seconds=30",
    seconds=_UNTIL,
)
def _blocked_account(context: MomentContext) -> None:
    context.platform.block()
    context.later("seconds", context.platform.unblock)


@_fault(
    "skewed-clock",
    "The venue's clock jumps: its stamps and its hours are off from then on.",
    "skewed-clock:by=5",
    by=Option(5.0, "seconds; negative is back: stamps stand still until it has caught up"),
)
def _skewed_clock(context: MomentContext) -> None:
    context.controls.skew_clock(context.options.number("by"))


@_fault(
    "rolled-contract",
    "The next month becomes the active contract. The old one takes only what reduces a position in it.",
    "rolled-contract:at=120,symbol=MNQ,basis=400",
    symbol=Option("MNQ", "which product", tuple(CME_FUTURES)),
    basis=Option(400, "what the next month costs more, ticks"),
)
def _rolled_contract(context: MomentContext) -> None:
    context.controls.roll(context.options.text("symbol"), context.options.count("basis"))


class MomentFaults:
    """Lets faults act when their moment has come."""

    def __init__(self, armed: ArmedFaults, controls: VenueControls, platform: Platform) -> None:
        self._armed = armed
        self._controls = controls
        self._platform = platform

    def start(self, armed: Armed) -> None:
        """Wait for the first instant of a fault that acts by venue time."""
        if armed.fault.options.text("on") == AT_ONCE:
            self._armed.schedule.call_at(armed.starts, partial(self._tick, armed, armed.starts))

    def follow(self, occasion: str) -> None:
        """A call was handled or an event told: faults tied to it act as soon as the accounts are straight."""
        for armed in self._armed.at(Seam.MOMENT):
            if armed.fault.options.text("on") == occasion and armed.acts(now := self._armed.clock()):
                self._armed.note(armed, now, occasion)
                self._armed.schedule.call_at(now, partial(self._act, armed))

    def _tick(self, armed: Armed, due: int) -> None:
        every = armed.fault.options.nanos("every")
        if armed.acts(due):
            self._armed.note(armed, due, AT_ONCE)
            self._act(armed)
        if every and not armed.over(due):
            self._armed.schedule.call_at(due + every, partial(self._tick, armed, due + every))

    def _act(self, armed: Armed) -> None:
        context = MomentContext(armed.fault.options, self._controls, self._platform, self._armed.schedule)
        try:
            MOMENT_FAULTS[armed.fault.name](context)
        except RefusedError as error:
            log.warning("fault %s could do nothing: %s", armed.fault, error)
