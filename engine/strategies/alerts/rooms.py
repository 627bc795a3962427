"""Whether an alert room can be traded as it is configured. Looked at before anything is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.model.alerts import Grade
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.rooms import AlertRoom
from engine.strategies.alerts import sanity
from engine.strategies.alerts.alert import Parser
from engine.strategies.alerts.room import RoomParser

STRICT, VARIANTS = RoomParser(), RoomParser(variants=True)


class RoomError(ValueError):
    """A room that can't be traded as it is configured."""


def parser_of(room: AlertRoom, plugins: Mapping[str, Parser]) -> Parser | None:
    """The room's parser: the one that comes along, or a plug-in by its name; None where there is none."""
    if room.parser == RoomParser.name:
        return VARIANTS if room.variants else STRICT
    return plugins.get(room.parser)


def check(
    rooms: Sequence[AlertRoom], instruments: Mapping[str, Instrument], plugins: Mapping[str, Parser]
) -> None:
    """Raises RoomError with everything that is wrong."""
    found = [f"room {room.name}: {text}" for room in rooms for text in problems(room, instruments, plugins)]
    names = [room.name for room in rooms]
    twice = sorted({name for name in names if names.count(name) > 1})
    found += [f"room {name}: is configured twice" for name in twice]
    if found:
        raise RoomError("; ".join(found))


def problems(
    room: AlertRoom, instruments: Mapping[str, Instrument], plugins: Mapping[str, Parser]
) -> Iterator[str]:
    """What is wrong with a room, a sentence each."""
    if parser_of(room, plugins) is None:
        known = ", ".join(sorted({RoomParser.name, *plugins}))
        yield f"its parser {room.parser} is not known (known: {known})"
    if not room.contracts:
        yield "it maps no contract to one that is traded"
    for root, symbol in room.contracts.items():
        yield from _mapping(root, symbol, instruments)
    a, b, c = (room.sizes.contracts(grade) for grade in (Grade.A, Grade.B, Grade.C))
    if not a >= b >= c >= 1:
        yield f"sizes must be A ≥ B ≥ C ≥ 1, and are A {a}, B {b}, C {c}"
    if room.default_size < 0:
        yield "an alert without a size can't have less than one contract"
    if not 0 < room.stop_nearest <= room.stop_farthest:
        yield "the nearest stop must be above 0 and no farther than the farthest"
    targets, most = room.targets, sanity.MOST_TARGETS
    if len(targets) > most or any(t <= 0 for t in targets) or sorted(set(targets)) != list(targets):
        yield f"targets must be up to {most} distances above 0, the nearer one first"
    if room.entry_distance <= 0:
        yield "the market may be more than 0 points from the entry"
    if min(room.max_age_ns, room.price_age_ns) <= 0 or room.repeat_ns < 0:
        yield "ages must be above 0"
    if room.max_trades < 0 or room.max_loss_usd < 0:
        yield "limits can't be below 0"


def _mapping(root: str, symbol: str, instruments: Mapping[str, Instrument]) -> Iterator[str]:
    traded = instruments.get(symbol)
    if root != root.upper() or not root.isalnum():
        yield f"{root!r} is no contract's name (capitals and digits)"
    if traded is None:
        yield f"{root} is mapped to {symbol}, which is not among the contracts ({', '.join(instruments)})"
        return
    named = instruments.get(root) or CME_FUTURES.get(root)
    if named is not None and named.tick_size != traded.tick_size:
        yield (
            f"{root} is mapped to {symbol}, and their ticks differ ({named.tick_size}, {traded.tick_size}): "
            "prices of the one are none of the other"
        )
