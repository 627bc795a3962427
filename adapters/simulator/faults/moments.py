"""Faults that come at a moment: of venue time, or just after the venue did something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from adapters.simulator.exchange.by_hand import Hand
from adapters.simulator.exchange.schedule import Timetable
from adapters.simulator.faults.calls import CALLS
from adapters.simulator.faults.controls import Deeds, Habit, What, Which
from adapters.simulator.faults.events import TARGETS
from adapters.simulator.faults.plan import Option, Options, Seam, kind
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderType

AT_ONCE = "time"
OCCASIONS = (AT_ONCE, *(call for call in CALLS if not call.endswith("-hub")), *TARGETS)
"""What a moment can be tied to: venue time, the end of a call's work, or a user event that was told."""


@dataclass(slots=True)
class Grip:
    """What a fault of this kind has its hands on."""

    options: Options
    deeds: Deeds
    hand: Hand
    timetable: Timetable

    def later(self, key: str, undo: Callable[[], None]) -> None:
        """Undo the deed after the seconds of an option, if it says any."""
        if seconds := self.options.number(key):
            self.timetable.call_after(seconds, undo)


MomentAct = Callable[[Grip], None]
ACTS: dict[str, MomentAct] = {}
_HUB = Option("both", "which hub", ("both", "market", "user"))
_UNTIL = Option(0.0, "end it after so many seconds of venue time; 0 leaves it")
_ON = Option(
    AT_ONCE, "act by venue time, or just after such a call was handled or such an event was told", OCCASIONS
)
_EVERY = Option(0.0, "by venue time: again every so many seconds, until `times` is reached")


def _fault(name: str, about: str, example: str, **options: Option) -> Callable[[MomentAct], MomentAct]:
    def add(act: MomentAct) -> MomentAct:
        kind(name, Seam.MOMENT, about, example, **options, on=_ON, every=_EVERY)
        ACTS[name] = act
        return act

    return add


@_fault(
    "dropped-hubs",
    "Open hub connections end: without a word, or with a close record.",
    "dropped-hubs:on=place,hub=user",
    hub=_HUB,
    goodbye=Option(False, "send a close record first"),
)
def _dropped_hubs(grip: Grip) -> None:
    grip.deeds.drop_hubs(cast(Which, grip.options.text("hub")), close_record=grip.options.yes("goodbye"))


@_fault(
    "logout",
    "GatewayLogout arrives on open hubs, which then close.",
    "logout:at=60",
    hub=_HUB,
    close=Option(True, "close the connections after it"),
)
def _logout(grip: Grip) -> None:
    grip.deeds.log_out(cast(Which, grip.options.text("hub")), close=grip.options.yes("close"))


@_fault(
    "silent-market",
    "Open market connections hear nothing more, but pings go on; a new connection hears everything.",
    "silent-market:at=30,what=quotes",
    what=Option("all", "what stops", ("all", "quotes", "trades", "depth")),
    seconds=_UNTIL,
)
def _silent_market(grip: Grip) -> None:
    grip.later("seconds", grip.deeds.silence_market(cast(What, grip.options.text("what"))))


@_fault(
    "silent-user",
    "Open user connections hear nothing more, but pings go on; a new connection hears everything.",
    "silent-user:on=place",
    seconds=_UNTIL,
)
def _silent_user(grip: Grip) -> None:
    grip.later("seconds", grip.deeds.silence_user())


@_fault(
    "expired-tokens",
    "Every token becomes invalid at once, while hubs opened with it stay open.",
    "expired-tokens:every=600,times=0",
)
def _expired_tokens(grip: Grip) -> None:
    grip.deeds.expire_tokens()


@_fault(
    "rotated-key",
    "Another API key is valid from now on: logging in with the old one fails.",
    "rotated-key:at=120,key=other",
    key=Option("rotated", "the new key"),
)
def _rotated_key(grip: Grip) -> None:
    grip.deeds.rotate_key(grip.options.text("key"))


@_fault(
    "halt",
    "No order is taken for some seconds; cancels pass, resting orders stay.",
    "halt:on=fill,seconds=30",
    seconds=Option(10.0, "how long, venue time"),
)
def _halt(grip: Grip) -> None:
    grip.deeds.halt(grip.options.number("seconds"))


@_fault(
    "closed-session",
    "As at 15:10 Chicago time: the desk flattens; orders are refused until the next session opens.",
    "closed-session:at=300",
)
def _closed_session(grip: Grip) -> None:
    grip.deeds.close_session()


@_fault(
    "position-brackets",
    "The account is in Position Brackets mode: orders with brackets are refused.",
    "position-brackets",
    seconds=_UNTIL,
)
def _position_brackets(grip: Grip) -> None:
    grip.deeds.auto_oco(False)
    grip.later("seconds", lambda: grip.deeds.auto_oco(True))


@_fault(
    "orphan-legs",
    "Whether closing a position leaves its bracket legs in the market, where they can open a new one.",
    "orphan-legs:habit=cancel",
    habit=Option("keep", "legs stay or are cancelled", ("keep", "cancel")),
)
def _orphan_legs(grip: Grip) -> None:
    grip.deeds.legs_on_close(cast(Habit, grip.options.text("habit")))


@_fault(
    "cancelled-leg",
    "The venue cancels a working bracket leg by itself.",
    "cancelled-leg:on=position,leg=stop",
    leg=Option("stop", "which leg", ("stop", "target")),
    symbol=Option("", "of this product; empty: the newest of all", ("", *CME_FUTURES)),
)
def _cancelled_leg(grip: Grip) -> None:
    which = OrderType.STOP if grip.options.text("leg") == "stop" else OrderType.LIMIT
    grip.hand.cancel_leg(grip.options.text("symbol"), which)


@_fault(
    "outside-trade",
    "Somebody trades at market on the platform: the position changes without an order of ours.",
    "outside-trade:at=60,symbol=MNQ,side=sell,qty=1",
    symbol=Option("MNQ", "which product", tuple(CME_FUTURES)),
    side=Option("buy", "which way", ("buy", "sell")),
    qty=Option(1, "contracts"),
)
def _outside_trade(grip: Grip) -> None:
    side = Side.BUY if grip.options.text("side") == "buy" else Side.SELL
    grip.hand.trade(grip.options.text("symbol"), side, grip.options.count("qty"))


@_fault(
    "outside-flatten",
    "The desk flattens the account: orders expire, positions are closed at market.",
    "outside-flatten:at=60",
)
def _outside_flatten(grip: Grip) -> None:
    grip.hand.flatten()


@_fault(
    "blocked-account",
    "The account may not trade (canTrade false); its orders and positions stay.",
    "blocked-account:at=60,seconds=30",
    seconds=_UNTIL,
)
def _blocked_account(grip: Grip) -> None:
    grip.hand.block()
    grip.later("seconds", grip.hand.unblock)


@_fault(
    "skewed-clock",
    "The venue's clock jumps: its stamps and its hours are off from then on.",
    "skewed-clock:by=5",
    by=Option(5.0, "seconds; negative is back: stamps stand still until it has caught up"),
)
def _skewed_clock(grip: Grip) -> None:
    grip.deeds.skew_clock(grip.options.number("by"))


@_fault(
    "rolled-contract",
    "The next month becomes the active contract. The old one takes only what reduces a position in it.",
    "rolled-contract:at=120,symbol=MNQ,basis=400",
    symbol=Option("MNQ", "which product", tuple(CME_FUTURES)),
    basis=Option(400, "what the next month costs more, ticks"),
)
def _rolled_contract(grip: Grip) -> None:
    grip.deeds.roll(grip.options.text("symbol"), grip.options.count("basis"))
