"""Where the settings of single venues come from: their variables, and a [venue] section of before.

A variable of a venue is TSTREAM_VENUES__NAME__KEY. A file with one [venue] section says what [venues.NAME]
says now, and is read as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tstream.errors import Problem
from tstream.settings.problems import MASK, nearest, shown
from tstream.settings.sources import PREFIX, VENUE_PREFIX
from tstream.settings.venues import LOGIN_KEYS, VenueSettings

OLD = "venue"
"""The section of a file of before, and what it said: name, account, api_url, rtc_url, brackets."""
_OLD_KEYS = ("name", "account", "api_url", "rtc_url", "brackets")
OLD_VARIABLES = {f"{PREFIX}VENUE_{key}".upper(): key for key in _OLD_KEYS}

Variables = Sequence[tuple[str, Mapping[str, str]]]
"""Where they stand, and their values; first wins."""


def old_section(table: dict[str, Any], variables: Variables) -> str:
    """Write what [venue] and its variables say as the one venue that they mean; its name, or "".

    Raises ValueError where [venues.NAME] are there too, or where [venue] is no section.
    """
    said = table.get(OLD, {})
    if not isinstance(said, dict):
        raise ValueError("is a section of before: write [venues.NAME] and its keys below it")
    given = {key: value for name, key in OLD_VARIABLES.items() if (value := _variable(name, variables))}
    if OLD not in table and not given:
        return ""
    if "venues" in table:
        raise ValueError(
            "is what [venues.NAME] is now: move its keys there, name as kind and account as accounts"
        )
    old: dict[str, Any] = {**said, **given}
    kind = old.pop("name", "practice")
    name = kind if isinstance(kind, str) and kind else "practice"
    if "account" in old:
        old["accounts"] = old.pop("account")
    table.pop(OLD, None)
    table["venues"] = {name: {"kind": kind, **old}}
    return name


def _variable(name: str, variables: Variables) -> str:
    for _where, names in variables:
        for other, value in names.items():
            if other.upper() == name and value:
                return value
    return ""


def own_variables(table: dict[str, Any], variables: Variables) -> Iterator[Problem]:
    """Take each venue's variables into its section; yields those that no venue answers to."""
    venues = table.get("venues", {"practice": {}})
    if not isinstance(venues, dict):
        return
    by_prefix = {capitals(name): name for name in venues}
    for where, names in reversed(variables):
        for variable, value in names.items():
            if not variable.upper().startswith(VENUE_PREFIX) or not value:
                continue
            capital, _, key = variable[len(VENUE_PREFIX) :].upper().partition("__")
            name, key = by_prefix.get(capital, ""), key.lower()
            section = venues.get(name)
            if key not in VenueSettings.model_fields:
                known = [f"{VENUE_PREFIX}{capital}__{one.upper()}" for one in VenueSettings.model_fields]
                yield Problem(
                    variable, "unknown setting" + nearest(variable.upper(), known), MASK, origin=where
                )
            elif isinstance(section, dict):
                section[key] = value
                table["venues"] = venues
            elif key not in LOGIN_KEYS:  # logins may wait for a venue that another file has
                known_names = ", ".join(venues)
                yield Problem(
                    variable, f"no venue is called so; known are {known_names}", shown(value), origin=where
                )


def capitals(name: str) -> str:
    """A venue's name as part of a variable's."""
    return name.upper().replace("-", "_")


def own_variable(name: str, key: str) -> str:
    """The variable that sets a key of one venue."""
    return f"{VENUE_PREFIX}{capitals(name)}__{key.upper()}"


def misplaced(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Logins in the file, which gets copied, shown and committed: the key, and the variable for it."""
    venues = table.get("venues")
    for name, section in venues.items() if isinstance(venues, dict) else ():
        for key in LOGIN_KEYS if isinstance(section, dict) else ():
            if key in section:
                yield f"venues.{name}.{key}", own_variable(name, key)
