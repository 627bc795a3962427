"""Binance's login by the names that other programs give its variables: read where ours say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tstream.errors import Problem
from tstream.settings.sources import BINANCE_LOGIN, BINANCE_TESTNET
from tstream.settings.venue_sources import Variables
from tstream.venues.kind import At

_WORDS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
_KIND = "binance"


def take_binance(table: dict[str, Any], variables: Variables) -> Iterator[Problem]:
    """Put the login into the one Binance venue that there is, where it has none; with it the venue is at the
    testnet, unless BINANCE_TESTNET is false or the venue says where it is. Yields what contradicts itself.
    """
    venues = table.get("venues")
    named = venues.items() if isinstance(venues, dict) else ()
    mine = [(name, one) for name, one in named if isinstance(one, dict) and one.get("kind", name) == _KIND]
    if len(mine) != 1:
        return
    name, section = mine[0]
    where, said = _said(BINANCE_TESTNET, variables)
    testnet = _WORDS.get(said.strip().lower()) if said else None
    if said and testnet is None:
        yield Problem(BINANCE_TESTNET, "must be true or false", f'"{said[:20]}"', origin=where)
        return
    plain = {
        key: value for variable, key in BINANCE_LOGIN.items() if (value := _said(variable, variables)[1])
    }
    if not section.get("key") and len(plain) == len(BINANCE_LOGIN):
        section.update(plain)
        testnet = testnet is not False
    if testnet is None or not section.get("key"):
        return
    wanted = At.DEMO if testnet else At.LIVE
    at = section.setdefault("at", wanted)
    if said and at != wanted and at != At.PRACTICE:
        why = f'says {said}, and [venues.{name}] at = "{at}": let one of them go'
        yield Problem(BINANCE_TESTNET, why, origin=where)


def _said(name: str, variables: Variables) -> tuple[str, str]:
    """Where a variable is set first, and to what."""
    for where, names in variables:
        for other, value in names.items():
            if other.upper() == name and value:
                return where, value
    return "", ""
