"""Every kind of venue by its name: those that come with tstream, and those of other packages.

Another package adds one by an entry point of the group `tstream.venues`, whose name is the kind's and whose
value is a `VenueKind`. A kind is loaded when it is asked for: settings that name one import that one only.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from tstream.venues.kind import At, VenueKind

GROUP = "tstream.venues"

_OURS = {
    "practice": "tstream.venues.projectx:PRACTICE",
    "topstepx": "tstream.venues.projectx:TOPSTEPX",
    "projectx": "tstream.venues.projectx:PROJECTX",
    "binance": "tstream.venues.binance:BINANCE",
    "bybit": "tstream.venues.bybit:BYBIT",
    "bybit-spot": "tstream.venues.bybit:BYBIT_SPOT",
    "coinbase": "tstream.venues.coinbase:COINBASE",
    "kraken": "tstream.venues.kraken:KRAKEN",
    "yahoo": "tstream.venues.yahoo:YAHOO",
    "ibkr": "tstream.venues.ibkr:IBKR",
}
"""Where the value of each is."""


class UnknownKindError(LookupError):
    """There is no such kind of venue, or it can't be loaded; the message says what there is."""


def names() -> tuple[str, ...]:
    """The kinds that there are, ours first."""
    return (*_OURS, *sorted(point.name for point in _others() if point.name not in _OURS))


def ours() -> tuple[str, ...]:
    """Those that come with tstream."""
    return tuple(_OURS)


def is_known(name: str) -> bool:
    return name in _OURS or any(point.name == name for point in _others())


def with_practice(*, in_runs: bool = False) -> tuple[str, ...]:
    """Those that have a practice venue, or one that runs can be on; what can't be loaded is left out."""
    found = []
    for name in names():
        with suppress(UnknownKindError):
            about = kind(name)
            if about.practice is not None and (not in_runs or At.PRACTICE in about.places):
                found.append(name)
    return tuple(found)


@cache
def kind(name: str) -> VenueKind:
    """Raises UnknownKindError."""
    if name in _OURS:
        module, _, value = _OURS[name].partition(":")
        found = getattr(import_module(module), value)
    else:
        point = next((point for point in _others() if point.name == name), None)
        if point is None:
            raise UnknownKindError(f"must be one of {', '.join(names())}")
        found = _loaded(point)
    assert isinstance(found, VenueKind)
    return found


@cache
def _others() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def _loaded(point: EntryPoint) -> VenueKind:
    package = f" of the package {point.dist.name} {point.dist.version}" if point.dist is not None else ""
    try:
        found = point.load()
    except Exception as error:  # noqa: BLE001  # whatever the code of others does when it is imported
        why = (str(error).splitlines() or [""])[0][:200]
        raise UnknownKindError(
            f"{point.value}{package} can't be loaded: {type(error).__name__}: {why}"
        ) from None
    if not isinstance(found, VenueKind):
        raise UnknownKindError(f"{point.value}{package} is no VenueKind")
    return found
