"""What a command from outside may be made of: its fields and no others, none of them large."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct

from engine.model.commands import NOTE_LONGEST, AnyCommand

LONGEST = 100
"""Characters of a word; it goes into the journal."""
MOST = 10
"""Members of a list."""
DIGITS = 20
HIGHEST = 1_000_000_000


class _Sent(Struct):
    command: dict[str, object] = {}


def out_of_bounds(command: AnyCommand, line: bytes) -> str:
    """What is wrong with a command that was read from a line, in words; empty where nothing is."""
    unknown = set(msgspec.json.decode(line, type=_Sent).command) - {"command", *command.__struct_fields__}
    if unknown:
        return f"unknown fields: {', '.join(sorted(name[:LONGEST] for name in unknown)[:MOST])}"
    return oversized(command)


def oversized(command: AnyCommand) -> str:
    """What of a command is larger than it may be, in words; empty where nothing is."""
    for name in command.__struct_fields__:
        longest = NOTE_LONGEST if name == "text" else LONGEST
        for wrong in _wrong(getattr(command, name), longest):
            return f"an id {wrong}" if name == "id" else f"{name} {wrong}"
    return ""


def _wrong(value: object, longest: int = LONGEST) -> Iterator[str]:
    match value:
        case str() if len(value) > longest:
            yield f"has at most {longest} characters"
        case tuple() if len(value) > MOST:
            yield f"has at most {MOST} members"
        case tuple():
            for one in value:
                yield from _wrong(one)
        case int() if abs(value) > HIGHEST:
            yield f"is at most {HIGHEST}"
        case Decimal() if not value.is_finite() or len(value.as_tuple().digits) > DIGITS:
            yield f"is a plain number of at most {DIGITS} digits"
        case Decimal() if value and abs(value.adjusted()) > DIGITS:
            yield f"is a plain number of at most {DIGITS} digits"
