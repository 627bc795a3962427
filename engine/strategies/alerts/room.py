"""The alerts of futures rooms: a siren, the contract, a side, a price and a size; the stop below it.

    🚨 ES long 6326: A
    Stop: 6316

Every line that matters has to match whole: what a strict reader would not call an alert is none.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.model.alerts import Grade, Reason
from engine.model.market import Side
from engine.strategies.alerts.alert import Alert, Unread
from engine.strategies.alerts.text import plain

_PRICE = r"(\d{1,6}(?:\.\d{1,5})?)"
_ROOT = r"([A-Z0-9]{1,7})"
"""With a month too: "MESM26"."""
_HEADER = re.compile(rf"(?:🚨 ?)?{_ROOT} (LONG|SHORT) {_PRICE} ?: ?([ABC])(?: GAMMA)?")
_STOP = re.compile(rf"STOP ?: ?{_PRICE}")
_ALMOST = re.compile(r"(?:🚨 ?)?[A-Z0-9]{1,7} (?:LONG|SHORT)\b.*")
_ALMOST_STOP = re.compile(r"STOP\b.*")
_STOP_WITHIN = 2
"""Lines below the header in which the stop has to stand."""

_ONE_LINE = re.compile(
    rf"(?:🚨 ?)?{_ROOT} (LONG|SHORT) @? ?{_PRICE} STOP:? {_PRICE}"
    rf"(?: T1:? {_PRICE}(?: T2:? {_PRICE})?)?(?: SIZE:? ([ABC]))?"
)
_OPENING = re.compile(rf"(?:🚨 ?)?{_ROOT} (LONG|SHORT) @? ?{_PRICE}(?: ?: ?([ABC])(?: GAMMA)?)?")
_TARGET = re.compile(rf"(?:TARGET|T) ?([12]) ?: ?{_PRICE}")
_SIZE = re.compile(r"SIZE ?: ?([ABC])(?: \(\d{1,3} CONTRACTS?\))?")


class RoomParser:
    """The strict form; with `variants` also the one-line form and the one with targets and size below."""

    name = "futures-room"

    def __init__(self, *, variants: bool = False) -> None:
        self._variants = variants

    def read(self, text: str) -> Alert | Unread:
        """An alert, or why it is none. Never raises."""
        shown = plain(text)
        if isinstance(shown, Unread):
            return shown
        lines = shown.upper().split("\n")
        headers = [k for k, line in enumerate(lines) if _ALMOST.fullmatch(line)]
        if not headers:
            return Unread(Reason.NOT_AN_ALERT)
        if len(headers) > 1 or shown.count("🚨") > 1:
            return Unread(Reason.TWO_ALERTS)
        header, below = lines[headers[0]], lines[headers[0] + 1 :]
        strict = _strict(header, below, lines)
        if not self._variants or (isinstance(strict, Alert) and not _targets_in(below)):
            return strict
        return _variant(header, below)


def _strict(header: str, below: list[str], lines: list[str]) -> Alert | Unread:
    found = _HEADER.fullmatch(header)
    if found is None:
        return _why_not(header)
    stops = [line for line in lines if _ALMOST_STOP.fullmatch(line)]
    if len(stops) > 1:
        return Unread(Reason.TWO_STOPS)
    if not stops or stops[0] not in below[:_STOP_WITHIN]:
        return Unread(Reason.NO_STOP)
    stop = _STOP.fullmatch(stops[0])
    if stop is None:
        return Unread(Reason.BAD_PRICE, "the stop")
    root, side, price, grade = found.groups()
    return Alert(root, Side[_SIDES[side]], Decimal(price), Decimal(stop[1]), Grade(grade))


_SIDES = {"LONG": "BUY", "SHORT": "SELL"}


def _why_not(header: str) -> Unread:
    """A line that begins as an alert and does not go on as one."""
    rest = header.partition("LONG" if " LONG" in header else "SHORT")[2].strip()
    price = rest.partition(":")[0].strip()
    if not re.fullmatch(_PRICE, price):
        return Unread(Reason.BAD_PRICE, "the entry")
    return Unread(Reason.NO_SIZE)


def _targets_in(below: list[str]) -> bool:
    return any(_TARGET.fullmatch(line) for line in below)


def _variant(header: str, below: list[str]) -> Alert | Unread:
    """The looser forms: all on one line, or each thing on a line of its own in any order."""
    one = _ONE_LINE.fullmatch(header)
    if one is not None:
        root, side, entry, stop, first, second, grade = one.groups()
        targets = tuple(Decimal(t) for t in (first, second) if t)
        return Alert(
            root, Side[_SIDES[side]], Decimal(entry), Decimal(stop), Grade(grade) if grade else None, targets
        )
    opening = _OPENING.fullmatch(header)
    if opening is None:
        return _why_not(header)
    root, side, entry, grade = opening.groups()
    stops = [line for line in below if _ALMOST_STOP.fullmatch(line)]
    if len(stops) != 1:
        return Unread(Reason.TWO_STOPS if stops else Reason.NO_STOP)
    found = _STOP.fullmatch(stops[0])
    if found is None:
        return Unread(Reason.BAD_PRICE, "the stop")
    targets_at: dict[str, Decimal] = {}
    for line in below:
        target, size = _TARGET.fullmatch(line), _SIZE.fullmatch(line)
        if target is not None:
            if target[1] in targets_at:
                return Unread(Reason.TARGET_ORDER, "one target is given twice")
            targets_at[target[1]] = Decimal(target[2])
        elif line.startswith(("TARGET", "T1", "T2")):
            return Unread(Reason.BAD_PRICE, "a target")
        elif size is not None:
            if grade is not None and grade != size[1]:
                return Unread(Reason.NO_SIZE, "two sizes are given")
            grade = size[1]
    if "2" in targets_at and "1" not in targets_at:
        return Unread(Reason.TARGET_ORDER, "the second target is given without the first")
    return Alert(
        root,
        Side[_SIDES[side]],
        Decimal(entry),
        Decimal(found[1]),
        Grade(grade) if grade else None,
        tuple(targets_at[k] for k in sorted(targets_at)),
    )
