"""What the engine makes of a message of an alert room: what it says, and what becomes of it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.market import Side
from engine.model.refusals import Worded


class Grade(StrEnum):
    """The letter after the price: how much of it. A is the most."""

    A = "A"
    B = "B"
    C = "C"


class Reason(Worded):
    """Why a message is not traded (docs/alerts.md lists them)."""

    TOO_LONG = "too_long", "the message is longer than an alert can be"
    NOT_AN_ALERT = "not_an_alert", "no line of it reads as an alert"
    TAKEN_BACK = "taken_back", "it is taken back, or tells of what is over"
    TWO_ALERTS = "two_alerts", "it holds more than one alert"
    BAD_PRICE = "bad_price", "a price is not a plain number"
    STRANGE_DIGITS = "strange_digits", "it is written with digits of another script"
    NO_STOP = "no_stop", "it has no stop"
    TWO_STOPS = "two_stops", "it has more than one stop"
    NO_SIZE = "no_size", "it has no size A, B or C"
    TWO_SIZES = "two_sizes", "it has more than one size"
    UNKNOWN_CONTRACT = "unknown_contract", "its contract is not mapped to one that is traded here"
    OFF_GRID = "off_grid", "a price lies between two ticks"
    STOP_SIDE = "stop_side", "the stop is on the wrong side of the entry"
    STOP_DISTANCE = "stop_distance", "the stop is nearer or farther than this room's stops are"
    TARGET_ORDER = "target_order", "the targets are not beyond the entry, the nearer one first"
    FAR_FROM_MARKET = "far_from_market", "its entry is too far from the market's price"
    PASSED = "passed", "the market has already reached its stop or its first target"
    NO_MARKET = "no_market", "no fresh price of the contract is known to compare it with"
    EXPIRED = "expired", "it is older than an alert may be"
    SEEN = "seen", "it was read before"
    ROOM_LIMIT = "room_limit", "the room's limit for today is used up"
    NO_BOOK = "no_book", "no account that follows the room is connected"
    UNKNOWN_ROOM = "unknown_room", "the room is not configured"
    PARSER_FAILED = "parser_failed", "the room's parser failed"


class Verdict(StrEnum):
    """What a revision of a message led to."""

    TRADED = "traded"
    """An alert, put to the gate of every book that follows the room."""
    UNREAD = "unread"
    """No alert; the reason says why."""
    REFUSED = "refused"
    """An alert that must not be traded; the reason says why."""
    AMENDED = "amended"
    """The entry of an earlier revision is taken back, to be made as this one says."""
    CANCELLED = "cancelled"
    """The entry is taken back: the message is gone, or is no alert any more."""
    FOLLOWED = "followed"
    """The open trade took over the stop or the targets of an edit."""
    IGNORED = "ignored"
    """An edit or deletion that changes nothing."""

    @property
    def trouble(self) -> bool:
        """A text that nothing was made of: people have to look themselves."""
        return self in (Verdict.UNREAD, Verdict.REFUSED)


class Terms(Struct, frozen=True):
    """A trade as a room gave it, in ticks of the contract that is traded for it."""

    instrument: str
    side: Side
    entry: int
    stop: int
    targets: tuple[int, ...]
    """Nearest first: as the text says, or by the room's distances from the entry."""
    qty: int
    """Contracts that the room's sizes ask for."""
    grade: Grade | None = None

    def same_trade(self, other: Terms) -> bool:
        """Whether two messages ask for the same, whatever the size."""
        mine = (self.instrument, self.side, self.entry, self.stop)
        return mine == (other.instrument, other.side, other.entry, other.stop)


_PREFIX = "alert:"


def origin(room: str, message_id: str) -> str:
    """By what plans name the message that they come from."""
    return f"{_PREFIX}{room}:{message_id}"


def room_of(origin: str) -> str:
    """The room of a plan's origin; empty where it comes from no room."""
    return origin.removeprefix(_PREFIX).rpartition(":")[0] if origin.startswith(_PREFIX) else ""
