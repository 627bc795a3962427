"""Settings that are read again while the engine runs: what is new in plain values, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from engine.model.blackouts import Blackouts
from engine.model.bots import BotConfig
from engine.model.limits import RiskLimits
from engine.model.market import NANOS
from engine.model.setting import Setting, live
from engine.model.sizing import Sizing


class SettingChange(Struct, frozen=True):
    """One key of the settings, as people write it. Of a secret both values are empty."""

    key: str
    """Dotted: "risk.max_trades"."""
    was: str = ""
    now: str = ""

    @property
    def words(self) -> str:
        return f"{self.key} {self.was} → {self.now}" if self.was or self.now else f"{self.key} (a secret)"


class BookTerms(Struct, frozen=True):
    """What of a book can change while it trades; of a template the name is empty."""

    name: str
    venue: str = ""
    risk: RiskLimits = RiskLimits()
    copy_ratio: Annotated[Decimal, live(loosens="more"), "What the sized quantity is multiplied by."] = (
        Decimal(1)
    )
    sizing: Sizing | None = None


class BotTerms(Struct, frozen=True):
    """What of a bot can change; `strategy` are the parameters of one that takes new ones, else empty."""

    config: BotConfig
    strategy: dict[str, Any] = {}


class Loosened(Struct, frozen=True):
    """A limit that would let more happen where money is at stake."""

    owner: str
    """Whose it is: "book apex", "room alpha", "bot zones"."""
    key: str
    was: str
    now: str

    @property
    def words(self) -> str:
        return f"{self.owner}: {self.key} {self.was} → {self.now}"


class LooseningView(Struct, frozen=True):
    """What a person is asked; it stands until it is answered or the settings are read again."""

    number: int
    loosened: tuple[Loosened, ...]


_T = TypeVar("_T", bound=Struct)


class Taken(NamedTuple):
    """What of new values is taken at once, and what would loosen a limit."""

    values: Any
    """The old ones with all that does not."""
    loosened: tuple[Loosened, ...]


def taken(old: _T, new: _T, owner: str) -> Taken:
    """Take over what loosens nothing. What has no Setting is no limit, but for tables within; one of another
    kind, as of sizing, may loosen anything.
    """
    changes: dict[str, Any] = {}
    loosened: list[Loosened] = []
    declared = _settings(type(old))
    for name in old.__struct_fields__:
        was, now, one = getattr(old, name), getattr(new, name), declared.get(name)
        if was == now:
            continue
        if isinstance(was, Struct) and type(was) is type(now):
            inner = taken(was, now, owner)
            changes[name] = inner.values
            loosened += inner.loosened
        elif isinstance(was, Struct) or isinstance(now, Struct):
            loosened.append(Loosened(owner, name, _kind(was), _kind(now)))
        elif one is not None and one.loosened(was, now):
            loosened.append(Loosened(owner, one.key or name, one.worded(was), one.worded(now)))
        else:
            changes[name] = now
    return Taken(replace(old, **changes) if changes else old, tuple(loosened))


NEWS = "scheduled news"
"""Who owns its times."""


def taken_blackouts(old: Blackouts, new: Blackouts, wall: int) -> Taken:
    """What of another calendar counts at once, at a time in nanoseconds UTC: its events, the wider times
    around them, and every event to come that it has no more.
    """
    found = taken(old, new, NEWS)
    values, loosened = found.values, found.loosened
    still = {event.ts for event in new.events}
    gone = [event for event in old.events if event.ts not in still and event.ts + values.after_ns > wall]
    if gone:
        first = gone[0]
        at = datetime.fromtimestamp(first.ts / NANOS, UTC)
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        was = f"{first.name} {at:%Y-%m-%d %H:%M} UTC{more}"
        loosened = (*loosened, Loosened(NEWS, "events", was, "not in the calendar"))
        events = sorted((*new.events, *gone), key=lambda event: event.ts)
        values = replace(values, events=tuple(events))
    return Taken(values, loosened)


def _kind(table: object) -> str:
    return str(table.__struct_config__.tag) if isinstance(table, Struct) else "not set"


@cache
def _settings(kind: type[Struct]) -> dict[str, Setting]:
    return dict(_declared(kind))


def _declared(kind: type[Struct]) -> Iterator[tuple[str, Setting]]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for part in get_args(hint):
            if isinstance(part, Setting):
                yield name, part
