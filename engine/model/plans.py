"""What a strategy wants (Idea) and what should be true at the venue because of it (TradePlan)."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from msgspec import Struct, field

from engine.model.decision import Counsel, Opinion
from engine.model.expectation import Expectation
from engine.model.market import Side
from engine.model.orders import OrderType
from engine.model.scores import PatternSeen, RequirementCheck, ScorePart


class Trail(Struct, frozen=True):
    """A stop that follows the best mark of a plan, instead of the book's own (risk.trail_ticks)."""

    distance: int
    """From the best mark to the stop, ticks."""
    after: int | None = 0
    """It follows once the best mark is so many ticks better than the entry; None: wherever the mark is."""


class Idea(Struct, frozen=True):
    """A strategy's proposal, before sizing and the risk gate. Prices in ticks."""

    strategy: str
    instrument: str
    side: Side
    reference: int
    """The price at which the idea was had; market entries fill near it."""
    stop: int
    targets: tuple[int, ...]
    """Nearest first."""
    score_tenths: int
    """0..100: the score out of ten, times ten."""
    reasons: tuple[str, ...]
    ts: int
    """Close of the bar that gave it, nanoseconds UTC."""
    agreeing: int = 0
    """Timeframes that point the same way."""
    origin: str = ""
    """The alert that it comes from: "alert:room:message"; the command: "manual:id"; empty for strategies."""
    bot: str = ""
    """Whose idea it is, by the bot's name; empty for alerts. The engine fills it in."""
    trail: Trail | None = None
    """How its stop follows; None: as the book says."""
    exit_ts: int | None = None
    """What is held of it then is closed at market, nanoseconds UTC."""
    leaves: str = ""
    """How it is left where it has no target, in words: "trailing 2 %". The least reward to risk is asked of
    targets only."""
    parts: tuple[ScorePart, ...] = ()
    """What the score is made of."""
    checks: tuple[RequirementCheck, ...] = ()
    """The requirements, as they were met."""
    pattern: PatternSeen | None = None
    """What it comes from, where it is a pattern."""
    expectation: Expectation | None = None
    """What a backtest says of such ideas."""
    opinion: Opinion | None = None
    """What rules, model and mood have said together; None where nobody was asked."""

    @property
    def owner(self) -> str:
        """Who is credited with its result: the bot or the room."""
        return self.bot or self.strategy

    @property
    def confidence(self) -> Fraction:
        """0..1: of rules, model and mood where these decide together, else the score out of ten."""
        told = None if self.opinion is None or self.opinion.counsel is Counsel.WATCHED else self.opinion
        if told is None or told.confidence is None:
            return Fraction(self.score_tenths, 100)
        return Fraction(round(told.confidence * 10_000), 10_000)

    @property
    def stop_ticks(self) -> int:
        """Distance from reference to stop, ticks, positive when the stop is on the losing side."""
        return (self.reference - self.stop) * self.side.sign

    @property
    def reward_to_risk(self) -> float:
        """Reward at the first target over risk; 0 when the stop is on the wrong side."""
        if self.stop_ticks <= 0 or not self.targets:
            return 0.0
        return (self.targets[0] - self.reference) * self.side.sign / self.stop_ticks


class Exit(Struct, frozen=True):
    """A strategy wants what is held of its own ideas in a contract to be closed at market."""

    strategy: str
    instrument: str
    side: Side
    """Of the trade that is left: buy for a long one."""
    reason: str
    """As people read it: "RSI 71 at least 70"."""
    ts: int
    """Close of the bar that says so, nanoseconds UTC."""


class StopRule(StrEnum):
    """What put a stop where it is."""

    INITIAL = "initial"
    BREAK_EVEN = "break_even"
    TRAIL = "trail"


class Leg(Struct, frozen=True):
    """One entry with its own protection. Offsets are signed ticks from the entry's fill price."""

    qty: int
    stop_offset: int
    """Negative for a long: the native bracket is given like this."""
    target_offset: int | None
    stop: int | None = None
    """An absolute stop that replaces the offset (an alert's own, break-even, trailing), ticks."""
    target: int | None = None
    rule: StopRule = StopRule.INITIAL
    """What set `stop`."""
    touch_offset: int | None = None
    """When the mark has been so far from the entry, the stop goes to break-even: the first target of a
    single contract that is held for the second."""
    touch: int | None = None
    """The same as an absolute price, ticks; it counts before the offset."""
    keep: int | None = None
    """So much of what is held of it is to stay, lots: the rest is closed at market, by one order."""
    added: bool = False
    """Added to the trade later, at market or at `entry_limit`."""
    entry_limit: int | None = None
    """Where what was added rests, ticks."""
    ends_ts: int | None = None
    """What of that still rests is cancelled then, nanoseconds UTC; None leaves it to the venue."""
    keep_after: str = ""
    """Client id of the order that closed a part of it before that wish; the next one answers the wish."""


class PlanStatus(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    """Being flattened: entries are cancelled, no new one is placed."""
    CLOSED = "closed"


class TradePlan(Struct, frozen=True):
    """What should be true for one trade. The order manager makes the venue agree with it."""

    plan_id: str
    book: str
    instrument: str
    side: Side
    strategy: str
    legs: tuple[Leg, ...]
    created_ts: int
    reference: int
    score_tenths: int = 0
    reasons: tuple[str, ...] = field(default=())
    entry_limit: int | None = None
    """Limit entry at this price in ticks; without it and `entry_stop` it enters at market."""
    status: PlanStatus = PlanStatus.OPEN
    origin: str = ""
    """The alert that it comes from: "alert:room:message"; the command: "manual:id"; empty for strategies."""
    entry_stop: int | None = None
    """Stop entry: in the market once it trades at this price in ticks."""
    ends_ts: int | None = None
    """What of the entry still rests is cancelled then, nanoseconds UTC; None leaves it to the venue."""
    bot: str = ""
    """Whose it is, by the bot's name; empty for alerts and people, and in journals of before."""
    size_reason: str = ""
    """Why it is so large, in words with the numbers: the policy's wish and what has bounded it; empty in
    journals of before."""
    trail: Trail | None = None
    """How its stop follows; None: as the book says."""
    exit_ts: int | None = None
    """What is held of it then is closed at market, by the wall's clock in nanoseconds UTC."""
    parts: tuple[ScorePart, ...] = ()
    """What the score is made of, as the requirements that were met; empty in journals of before."""
    checks: tuple[RequirementCheck, ...] = ()
    pattern: PatternSeen | None = None
    """What it comes from: how it ends is learned from (docs/learning.md)."""
    expectation: Expectation | None = None
    """What a backtest says of such trades: how it ends is held against that (docs/scanner.md)."""
    opinion: Opinion | None = None
    """What rules, model and mood said together before it was entered."""

    @property
    def qty(self) -> int:
        return sum(leg.qty for leg in self.legs)

    @property
    def owner(self) -> str:
        """Who is credited with its result: the bot or the room."""
        return self.bot or self.strategy

    @property
    def entry_type(self) -> OrderType:
        if self.entry_stop is not None:
            return OrderType.STOP
        return OrderType.MARKET if self.entry_limit is None else OrderType.LIMIT

    @property
    def entry_price(self) -> int:
        """Where it is entered, ticks: the price of a resting entry, or about where the market was."""
        resting = self.entry_limit if self.entry_stop is None else self.entry_stop
        return self.reference if resting is None else resting


MANUAL = "manual"
"""Strategy of trades that a person placed."""

_BY_HAND = "manual:"


def manual_origin(command_id: str) -> str:
    """By what plans name the command that they come from."""
    return f"{_BY_HAND}{command_id}"


def command_of(origin: str) -> str:
    """Id of the command that a plan comes from; empty where no person placed it."""
    return origin.removeprefix(_BY_HAND) if origin.startswith(_BY_HAND) else ""
