"""Faults as they are asked for: a name with options, checked against what a catalogue of kinds knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from msgspec import Struct

_Act = TypeVar("_Act", bound=Callable[..., Any])
ANY = "any"
Value = str | int | float | bool
"""Of an option. Its type is that of the option's default."""


ACCOUNT_OPTION = "account"


class FaultyAccount(Protocol):
    """What a fault can be about."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


class FaultError(ValueError):
    """A fault that does not exist like this; the message says what does."""


class Seam(StrEnum):
    """Where in the venue a fault acts, and so what it is counted by."""

    CALL = "a REST call"
    EVENT = "a user event"
    SUBSCRIPTION = "a subscription"
    ORDER = "an order that arrives"
    FILL = "an order that is about to fill"
    MOMENT = "a moment"


class Option(Struct, frozen=True):
    """What a fault can be told."""

    default: Value
    about: str
    choices: tuple[str, ...] = ()
    """What a text may be; none: anything."""


class FaultOptions(Struct, frozen=True):
    """Everything that one fault was told, and what it was not told by default."""

    values: Mapping[str, Value]

    def text(self, key: str) -> str:
        return str(self.values[key])

    def count(self, key: str) -> int:
        return int(self.values[key])

    def about(self, account: FaultyAccount | None) -> bool:
        """Whether an account is meant, or what is of none."""
        named = self.values.get(ACCOUNT_OPTION, "")
        return not named or (account is not None and named in (str(account.id), account.name))

    def number(self, key: str) -> float:
        return float(self.values[key])

    def nanos(self, key: str) -> int:
        """Seconds as nanoseconds."""
        return round(self.number(key) * 1e9)

    def yes(self, key: str) -> bool:
        return bool(self.values[key])


def of_account(otherwise: str = "any") -> Option:
    """Which account a fault is about, where the login has several."""
    return Option("", f"only of this account, by name or id; empty: {otherwise}")


class FaultKind(Struct, frozen=True):
    """One kind of fault. `options` are complete: its own, and those that say when it acts."""

    name: str
    seam: Seam
    about: str
    options: Mapping[str, Option]
    example: str
    act: Callable[..., Any]
    """What it does, given what faults of its seam are given."""


class Fault(Struct, frozen=True):
    """A fault that is wanted, with all its options."""

    kind: FaultKind
    options: FaultOptions

    @property
    def name(self) -> str:
        return self.kind.name

    def __str__(self) -> str:
        """As it would be written: only what differs from the kind's defaults."""
        known = self.kind.options
        said = [
            f"{key}={written(value)}"
            for key, value in self.options.values.items()
            if value != known[key].default
        ]
        return f"{self.name}:{','.join(said)}" if said else self.name


WHEN = {
    "nth": Option(1, "act from the so many-th occasion on"),
    "times": Option(1, "act so often; 0 is for ever"),
    "p": Option(1.0, "act on an occasion with this probability, by the seed"),
    "at": Option(0.0, "count occasions only so many seconds of venue time after it was given"),
    "lasting": Option(0.0, "be over so many seconds after that; 0 is never"),
}
"""Options that every fault has."""


class Catalogue(dict[str, FaultKind]):
    """Every kind of fault of a venue, by name."""

    def add(
        self, name: str, seam: Seam, about: str, example: str, **options: Option
    ) -> Callable[[_Act], _Act]:
        """Add a kind, and with it what it does. An own option of the name of a common one replaces it."""

        def add(act: _Act) -> _Act:
            self[name] = FaultKind(name, seam, about, {**options, **WHEN, **options}, example, act)
            return act

        return add

    def fault(self, name: str, /, **options: Value) -> Fault:
        """A fault with some options, the others by default. Raises FaultError."""
        known = self._kind(name)
        values = {key: option.default for key, option in known.options.items()}
        for key, value in options.items():
            option = _option(known, key)
            values[key] = _checked(known.name, key, option, value)
        return Fault(known, FaultOptions(values))

    def parse(self, text: str) -> Fault:
        """A fault written as NAME or NAME:key=value,key=value. Raises FaultError."""
        name, colon, rest = text.strip().partition(":")
        known = self._kind(name)
        options: dict[str, Value] = {}
        for pair in rest.split(",") if colon else ():
            key, equals, value = (part.strip() for part in pair.partition("="))
            if not equals:
                raise FaultError(f'{name}: "{pair}" is no option; write key=value, as in {known.example}')
            options[key] = _read(name, key, _option(known, key), value)
        return self.fault(name, **options)

    def _kind(self, name: str) -> FaultKind:
        found = self.get(name)
        if found is None:
            hint = _alike(name, self) or "--list-faults names them all"
            raise FaultError(f'there is no fault "{name}"; {hint}')
        return found


def _option(known: FaultKind, key: str) -> Option:
    option = known.options.get(key)
    if option is None:
        hint = _alike(key, known.options) or f"it takes {', '.join(known.options)}"
        raise FaultError(f'{known.name} has no option "{key}"; {hint}')
    return option


def _alike(text: str, names: Iterable[str]) -> str:
    near = get_close_matches(text, list(names), 3, 0.55)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _read(name: str, key: str, option: Option, text: str) -> Value:
    """The value of an option, from its text. Raises FaultError."""
    default = option.default
    try:
        if isinstance(default, bool):
            return {"yes": True, "true": True, "no": False, "false": False}[text.lower()]
        if isinstance(default, int):
            return int(text)
        if isinstance(default, float):
            return float(text)
    except (KeyError, ValueError):
        wanted = _wanted(default)
        raise FaultError(f'{name}: {key} must be {wanted}, not "{text}"') from None
    return text


def _checked(name: str, key: str, option: Option, value: Value) -> Value:
    """The value as the fault keeps it. Raises FaultError."""
    default = option.default
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise FaultError(f'{name}: {key} must be {_wanted(default)}, not "{value}"')
    if isinstance(value, str):
        if option.choices and value not in option.choices:
            hint = _alike(value, option.choices) or f"it is one of {', '.join(filter(None, option.choices))}"
            raise FaultError(f'{name}: {key} can\'t be "{value}"; {hint}')
    elif key == "p":
        if not 0 < value <= 1:
            raise FaultError(f"{name}: p is a probability, above 0 and up to 1")
    elif not isinstance(value, bool) and not (value > -1e12 if key == "by" else least(key) <= value < 1e12):
        raise FaultError(f"{name}: {key} must be a number from {least(key)} on")
    return value


def least(key: str) -> int:
    """The smallest number that an option may be."""
    return 1 if key in ("nth", "qty") else 0


def _wanted(default: Value) -> str:
    if isinstance(default, bool):
        return "yes or no"
    return {int: "a whole number", float: "a number", str: "a text"}[type(default)]


def written(value: Value) -> str:
    """A value as it is written in a text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
