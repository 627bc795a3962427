"""What people may set: declared at the field that the engine reads, once, with its words, bounds and unit.

A field `Annotated[int, live(ge=1, le=150), "Most contracts in one trade."] = 5` is a key of tstream.toml,
with the same words, bounds and default. The front door makes sections of such Structs
(tstream/settings/declared.py), and docs/configuration.md of the sections.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Reload = Literal["live", "restart"]
"""Whether a running engine takes a change of the key, or only the next start does."""


Loosens = Literal["any", "more", "less", "no"]
"""Which change of a limit lets more happen: a larger value, a smaller one, any (nobody can tell), none."""


class Setting(Struct, frozen=True, kw_only=True):
    """How a field is set; what it is, in words, stands behind it in the annotation."""

    reload: Reload
    key: str = ""
    """Its name in the section, where that is not the field's own."""
    unit: int = 1
    """The field holds the key's value times this, rounded: NANOS for a key in seconds."""
    kind: Any = None
    """What a person writes, where that is not of the field's type: float for seconds with a fraction."""
    needed: bool = False
    """Nothing counts without it: whoever writes the table says it."""
    off: bool = False
    """A person writes "off" where the field is 0; 0 itself, which could mean "nothing", is refused."""
    gt: float | None = None
    ge: float | None = None
    le: float | None = None
    loosens: Loosens = "any"
    """Where a change is taken under open trades, whether it is a loosened limit, which a live account asks
    for (docs/operations.md#reload).
    """
    none_at_zero: bool = False
    """0 is no limit of its own, as it is where it may be "off"."""
    allowed: str = ""
    """What may stand there in words, where type and bounds don't say it."""
    default: str = ""
    """What counts without the key in words, where the default does not say it."""

    def loosened(self, old: Any, new: Any) -> bool:
        """Whether more may happen by a change of the value, in the field's unit."""
        if old == new or self.loosens == "no":
            return False
        if self.loosens == "any" or old is None or new is None:
            return True
        if self.loosens == "less":
            return bool(new < old)
        unlimited = self.off or self.none_at_zero
        if unlimited and not (old and new):
            return not new
        return bool(new > old)

    def worded(self, value: Any) -> str:
        """A value of the field as a person writes it."""
        if value is None:
            return "not set"
        if self.off and value == 0:
            return "off"
        if isinstance(value, bool):
            return str(value).lower()
        if self.unit != 1:
            return f"{value / self.unit:g}"
        return f"{value}"


def live(**more: Any) -> Setting:
    """A key whose change a running engine can take."""
    return Setting(reload="live", **more)


def restart(**more: Any) -> Setting:
    """A key that counts from the next start on."""
    return Setting(reload="restart", **more)


def needed(**more: Any) -> Setting:
    """A key like `live`'s that has no default."""
    return Setting(reload="live", needed=True, **more)


LIVE, RESTART = live(), restart()
"""Keys that are named as their fields, without bounds."""
