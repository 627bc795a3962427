"""What a person typed, as ticks that make sense: on the grid, on the right side, near the market."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.model.commands import (
    MOST_LOTS,
    MOST_MINUTES,
    MOST_TARGETS,
    MOST_TICKS,
    ChangeManual,
    PlaceManual,
)
from engine.model.instrument import Instrument, OffGridError
from engine.model.orders import OrderType
from engine.model.refusals import OVERRIDES

HIGHEST = Decimal(10_000_000)
MOST_DIGITS = 20
FAR = 10
"""A price farther from the market than its tenth part is a slip of the finger."""


class WrongError(Exception):
    """A command by hand that can't be carried out, in words for the person."""


class Asked(NamedTuple):
    """Ticks."""

    entry: int
    """Where it rests, or about where a market order fills."""
    stop: int
    targets: tuple[int, ...]


class Moved(NamedTuple):
    """Ticks; what is None, or empty, stays."""

    price: int | None
    stop: int | None
    targets: tuple[int, ...]


def asked(command: PlaceManual, known: Instrument, touch: int) -> Asked:
    """The trade that is meant. `touch` is about where a market order would fill, ticks. Raises WrongError."""
    sign = command.side.sign
    distances = (*command.target_ticks, *(() if command.stop_ticks is None else (command.stop_ticks,)))
    if not all(1 <= away <= MOST_TICKS for away in distances):
        raise WrongError(f"distances are 1 to {MOST_TICKS} ticks")
    if max(len(command.targets), len(command.target_ticks)) > MOST_TARGETS:
        raise WrongError(f"a trade has at most {MOST_TARGETS} targets")
    lots(command.qty)
    many = (command.qty is not None, command.risk_usd is not None, command.sized)
    if sum(many) != 1:
        raise WrongError("say how much: a quantity, the USD to risk, or the book's own sizing, one of them")
    sound_risk(command.risk_usd)
    if command.side.sign < 0 and not known.shortable:
        raise WrongError(f"{known.symbol} can't be sold short")
    if (command.stop is None) is (command.stop_ticks is None):
        raise WrongError("every trade has a stop: give its price, or its ticks from the entry, and not both")
    if command.targets and command.target_ticks:
        raise WrongError("give targets as prices or as ticks from the entry, and not both")
    if (command.price is None) is not (command.entry is OrderType.MARKET):
        raise WrongError("a limit or stop entry has a price, and one at market has none")
    rests(command.minutes, limit=command.entry is not OrderType.MARKET)
    entry = touch if command.price is None else ticks(known, command.price, "entry", touch)
    resting(known, entry, command.entry, sign, touch)
    # A limit that the market has passed fills at the market: stop and targets have to suit that, too.
    fills = sign * min(sign * entry, sign * touch) if command.entry is OrderType.LIMIT else entry
    if command.stop is not None:
        stop = ticks(known, command.stop, "stop", touch)
    else:
        stop = entry - sign * (command.stop_ticks or 0)
    if command.targets:
        targets = tuple(ticks(known, price, "target", touch) for price in command.targets)
    else:
        targets = tuple(entry + sign * away for away in command.target_ticks)
    if stop <= 0 or any(target <= 0 for target in targets):
        raise WrongError("stop and targets must be above 0")
    if command.stop is not None:
        right_side(known, stop, fills, sign)
    aims(known, targets, entry, sign)
    return Asked(entry, stop, targets)


def rests(minutes: int | None, *, limit: bool) -> None:
    """How long an entry may rest. Raises WrongError."""
    if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
        raise WrongError(f"an entry rests for 1 to {MOST_MINUTES} minutes, or for the day")
    if minutes is not None and not limit:
        raise WrongError("an entry at market does not rest: leave the minutes out")


def lots(qty: int | None) -> None:
    """Raises WrongError."""
    if qty is not None and not 1 <= qty <= MOST_LOTS:
        raise WrongError(f"the quantity is 1 to {MOST_LOTS} lots")


def sound_risk(usd: Decimal | None) -> None:
    """Raises WrongError."""
    if usd is not None and not _sound(usd):
        raise WrongError("the USD to risk must be a plain number above 0")


def moved(command: ChangeManual, known: Instrument) -> Moved:
    """The prices of a change, on the grid. Raises WrongError."""
    return Moved(
        None if command.price is None else ticks(known, command.price, "entry"),
        None if command.stop is None else ticks(known, command.stop, "stop"),
        tuple(ticks(known, price, "target") for price in command.targets),
    )


def ticks(known: Instrument, price: Decimal, what: str, near: int | None = None) -> int:
    """A price as ticks, and not absurdly far from the market's. Raises WrongError."""
    if not _sound(price):
        raise WrongError(f"{what}: a price is a plain number above 0")
    try:
        found = known.ticks(price)
    except OffGridError:
        grid = f"{known.symbol} moves in ticks of {plain(known.tick_size)}"
        raise WrongError(f"{what} {plain(price)} lies between two ticks: {grid}") from None
    if near is not None:
        not_far(known, found, what, near)
    return found


def not_far(known: Instrument, price: int, what: str, touch: int) -> None:
    """Raises WrongError."""
    if abs(price - touch) * FAR > abs(touch):
        text = f"{what} {known.text(price)} is more than a tenth away from the market, {known.text(touch)}"
        raise WrongError(f"{text}: look at the digits")


def resting(known: Instrument, entry: int, kind: OrderType, sign: int, touch: int) -> None:
    """A stop entry waits for the market to come to it. Raises WrongError."""
    if kind is OrderType.STOP and (entry - touch) * sign <= 0:
        passed = f"the market, {known.text(touch)}, has reached {known.text(entry)} already"
        raise WrongError(f"{passed}: enter at market, or rest with a limit")


def right_side(known: Instrument, stop: int, fills: int, sign: int) -> None:
    """Raises WrongError."""
    if (fills - stop) * sign <= 0:
        side = "below" if sign > 0 else "above"
        raise WrongError(
            f"stop {known.text(stop)} is on the wrong side: it must be {side} {known.text(fills)}, "
            "where it would be entered now"
        )


def aims(known: Instrument, targets: tuple[int, ...], entry: int, sign: int) -> None:
    """Raises WrongError."""
    ahead = [(target - entry) * sign for target in targets]
    if any(away <= 0 for away in ahead) or ahead != sorted(set(ahead)):
        told = ", ".join(map(known.text, targets))
        raise WrongError(f"targets {told} must lie beyond {known.text(entry)}, the nearer one first")


def known_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """What is to be overridden. Raises WrongError."""
    for word in words:
        if word not in OVERRIDES:
            idle = "a trade by hand has no score, so nothing is refused for it" if word == "score" else ""
            why = idle or f'"{word}" can\'t be overridden'
            raise WrongError(f"{why}; what can be: {', '.join(OVERRIDES)}. No loss limit, no lock")
    return tuple(dict.fromkeys(words))


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _sound(number: Decimal) -> bool:
    return number.is_finite() and 0 < number < HIGHEST and len(number.as_tuple().digits) <= MOST_DIGITS
