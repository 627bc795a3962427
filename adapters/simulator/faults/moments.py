"""Faults that come at a moment: of venue time, or just after the venue did something."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from adapters.simulator.fault_plan.armed import Armed, ArmedFaults
from adapters.simulator.fault_plan.plan import FaultOptions, FaultyAccount, Option, Seam, of_account
from adapters.simulator.faults.calls import CALLS
from adapters.simulator.faults.catalogue import add_kind
from adapters.simulator.faults.controls import MARKET_STREAMS, Platform, VenueControls
from adapters.simulator.faults.events import TARGETS
from engine.model.errors import RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side

log = logging.getLogger(__name__)

AT_ONCE = "time"
OCCASIONS = (AT_ONCE, *(call for call in CALLS if not call.endswith("-hub")), *TARGETS)
"""What a moment can be tied to: venue time, the end of a call's work, or a user event that was told."""


class MomentContext(NamedTuple):
    """What a fault of this kind acts with."""

    options: FaultOptions
    controls: VenueControls
    platform: Platform


MomentFault = Callable[[MomentContext], object]
"""Gives a call that undoes it, where it can be told to end after so many `seconds`."""
_HUB = Option("both", "which hub", ("both", "market", "user"))
_UNTIL = Option(0.0, "end it after so many seconds of venue time; 0 leaves it")
_PRODUCT = Option("MNQ", "which product", tuple(CME_FUTURES))
_ACCOUNT = of_account("the first; after a call or an event whichever that was about")
_ON = Option(
    AT_ONCE, "act by venue time, or just after such a call was handled or such an event was told", OCCASIONS
)
_EVERY = Option(0.0, "by venue time: again every so many seconds, until `times` is reached")


def _fault(name: str, about: str, example: str, act: MomentFault, **options: Option) -> None:
    add_kind(name, Seam.MOMENT, about, example, **options, on=_ON, every=_EVERY)(act)


_fault(
    "dropped-hubs",
    "Open hub connections end: without a word, or with a close record.",
    "dropped-hubs:on=place,hub=user",
    lambda c: c.controls.drop_hubs(c.options.text("hub"), close_record=c.options.yes("goodbye")),
    hub=_HUB,
    goodbye=Option(False, "send a close record first"),
)
_fault(
    "logout",
    "GatewayLogout arrives on open hubs, which then close.",
    "logout:at=60",
    lambda c: c.controls.log_out(c.options.text("hub"), close=c.options.yes("close")),
    hub=_HUB,
    close=Option(True, "close the connections after it"),
)
_fault(
    "silent-market",
    "Open market connections hear nothing more, but pings go on; a new connection hears everything.",
    "silent-market:at=30,what=quotes",
    lambda c: c.controls.silence_market(c.options.text("what")),
    what=Option("all", "what stops", ("all", *MARKET_STREAMS)),
    seconds=_UNTIL,
)
_fault(
    "depth-reset",
    "Order books are cleared by a row of type 6, and told anew.",
    "depth-reset:at=30",
    lambda c: c.controls.reset_depth(),
)
_fault(
    "silent-user",
    "Open user connections hear nothing more, but pings go on; a new connection hears everything.",
    "silent-user:on=place",
    lambda c: c.controls.silence_user(),
    seconds=_UNTIL,
)
_fault(
    "expired-tokens",
    "Every token becomes invalid at once, while hubs opened with it stay open.",
    "expired-tokens:every=600,times=0",
    lambda c: c.controls.expire_tokens(),
)
_fault(
    "rotated-key",
    "Another API key is valid from now on: logging in with the old one fails.",
    "rotated-key:at=120,key=other",
    lambda c: c.controls.rotate_key(c.options.text("key")),
    key=Option("rotated", "the new key"),
)
_fault(
    "halt",
    "No order is taken for some seconds; cancels pass, resting orders stay.",
    "halt:on=fill,seconds=30",
    lambda c: c.controls.halt(c.options.number("seconds")),
    seconds=Option(10.0, "how long, venue time"),
)
_fault(
    "closed-session",
    "As at 15:10 Chicago time: the desk flattens; orders are refused until the next session opens.",
    "closed-session:at=300",
    lambda c: c.controls.close_session(),
)
_fault(
    "position-brackets",
    "The account is in Position Brackets mode: orders with brackets are refused.",
    "position-brackets",
    lambda c: c.controls.auto_oco(False),
    seconds=_UNTIL,
)
_fault(
    "orphan-legs",
    "Whether closing a position leaves its bracket legs in the market, where they can open a new one.",
    "orphan-legs:habit=cancel",
    lambda c: c.controls.legs_on_close(c.options.text("habit")),
    habit=Option("keep", "legs stay or are cancelled", ("keep", "cancel")),
)


def _cancel_leg(context: MomentContext) -> None:
    leg = context.options.text("leg")
    if context.platform.cancel_leg(context.options.text("symbol"), leg) is None:
        raise RefusedError(f"no {leg} works")


_fault(
    "cancelled-leg",
    "The venue cancels a working bracket leg by itself.",
    "cancelled-leg:at=120,leg=stop",
    _cancel_leg,
    leg=Option("stop", "which leg", ("stop", "target")),
    symbol=Option("", "of this product; empty: the newest of all", ("", *CME_FUTURES)),
    account=_ACCOUNT,
)
_fault(
    "outside-trade",
    "Somebody trades at market on the platform: the position changes without an order of ours.",
    "outside-trade:at=60,symbol=MNQ,side=sell,qty=1",
    lambda c: c.platform.trade(
        c.options.text("symbol"), Side(c.options.text("side")), c.options.count("qty")
    ),
    symbol=_PRODUCT,
    side=Option("buy", "which way", ("buy", "sell")),
    qty=Option(1, "contracts"),
    account=_ACCOUNT,
)
_fault(
    "outside-flatten",
    "The desk flattens the account: orders expire, positions are closed at market.",
    "outside-flatten:at=60",
    lambda c: c.platform.flatten(),
    account=_ACCOUNT,
)
_fault(
    "blocked-account",
    "The account may not trade (canTrade false); its orders and positions stay.",
    "blocked-account:at=60,seconds=30",
    lambda c: c.platform.block(),
    seconds=_UNTIL,
    account=_ACCOUNT,
)
_fault(
    "closed-account",
    "The account is gone from the platform: no search lists it, and no call finds it.",
    "closed-account:at=60,seconds=30",
    lambda c: c.platform.close_account(),
    seconds=_UNTIL,
    account=_ACCOUNT,
)
_fault(
    "skewed-clock",
    "The venue's clock jumps: its stamps and its hours are off from then on.",
    "skewed-clock:by=5",
    lambda c: c.controls.skew_clock(c.options.number("by")),
    by=Option(5.0, "seconds; negative is back: stamps stand still until it has caught up"),
)
_fault(
    "engine-clock",
    "The clock of the engine's machine is set, the venue's is not; only beside an engine of tstream's.",
    "engine-clock:at=60,by=-300",
    lambda c: c.controls.set_engine_clock(c.options.number("by")),
    by=Option(-300.0, "seconds; negative is back"),
)
_fault(
    "rolled-contract",
    "The next month becomes the active contract. The old one takes only what reduces a position in it.",
    "rolled-contract:at=120,symbol=MNQ,basis=400",
    lambda c: c.controls.roll(c.options.text("symbol"), c.options.count("basis")),
    symbol=_PRODUCT,
    basis=Option(400, "what the next month costs more, ticks"),
)


class MomentFaults:
    """Lets faults act when their moment has come."""

    def __init__(
        self, armed: ArmedFaults, controls: VenueControls, platforms: Mapping[int, Platform]
    ) -> None:
        self._armed = armed
        self._controls = controls
        self._platforms = platforms

    def start(self, armed: Armed) -> None:
        """Wait for the first instant of a fault that acts by venue time."""
        if armed.fault.options.text("on") == AT_ONCE:
            self._armed.schedule.call_at(armed.starts, partial(self._tick, armed, armed.starts))

    def follow(self, occasion: str, account: FaultyAccount | None) -> None:
        """A call was handled or an event told: faults tied to it act as soon as the accounts are straight."""
        for armed in self._armed.at(Seam.MOMENT):
            options = armed.fault.options
            fits = options.text("on") == occasion and options.about(account)
            if fits and armed.acts(now := self._armed.clock()):
                self._armed.note(armed, now, occasion)
                self._armed.schedule.call_at(now, partial(self._act, armed, account))

    def _tick(self, armed: Armed, due: int) -> None:
        every = armed.fault.options.nanos("every")
        if armed.acts(due):
            self._armed.note(armed, due, AT_ONCE)
            self._act(armed)
        if every and not armed.over(due):
            self._armed.schedule.call_at(due + every, partial(self._tick, armed, due + every))

    def _act(self, armed: Armed, account: FaultyAccount | None = None) -> None:
        options = armed.fault.options
        try:
            undo = armed.kind.act(MomentContext(options, self._controls, self._platform(options, account)))
            if callable(undo) and (seconds := options.number("seconds")):
                self._armed.schedule.call_after(seconds, undo)
        except RefusedError as error:
            log.warning("fault %s could do nothing: %s", armed.fault, error)

    def _platform(self, options: FaultOptions, account: FaultyAccount | None) -> Platform:
        """Of the account that a fault acts on. Raises RefusedError."""
        if account is not None:
            return self._platforms[account.id]
        for platform in self._platforms.values():
            if options.about(platform.account):
                return platform
        raise RefusedError("the login has no such account")
