"""The alerts of futures rooms: a siren, the contract, a side, a price and a size; the stop below it.

    🚨 ES long 6326: A
    Stop: 6316

Every line that matters has to match whole: what a strict reader would not call an alert is none. A line that
speaks of a stop, a target or a size and can't be read refuses the whole (docs/alerts.md#how-a-text-is-read,
F45): nothing is put in its place.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.model.alerts import Grade, Reason
from engine.model.market import Side
from engine.strategies.alerts.alert import Alert, Unread
from engine.strategies.alerts.text import plain

_PRICE = r"(\d{1,6}(?:\.\d{1,5})?)"
_ALMOST = re.compile(r"(?:🚨 ?)?[A-Z0-9]{1,7} (?:LONG|SHORT)\b.*")
_STOP_WITHIN = 2
"""Lines below the header in which the stop of the strict form has to stand."""

_GRADE = r"(?: ?: ?([ABC])(?: GAMMA)?)?"
_HEADER = re.compile(rf"(?:🚨 ?)?([A-Z0-9]{{1,7}}) (LONG|SHORT) {_PRICE}{_GRADE}")
"""A month may stand in the contract: "MESM26"."""
_STOP = re.compile(rf"STOP ?: ?{_PRICE}")
_LOOSE_HEADER = re.compile(_HEADER.pattern.replace(_PRICE, rf"@? ?{_PRICE}", 1))
_LOOSE_STOP = re.compile(rf"(?:STOP(?: LOSS)?|SL)(?: ?: ?| ){_PRICE}")
_PARTS = re.compile(r" (?=(?:STOP|SL|TARGET|TP?\d?|SIZE)\b)")
"""Where the looser form on one line falls into what else stands on lines of their own."""
_TARGET = re.compile(rf"(?:TARGET|TP|T) ?([1-9])?(?: ?: ?| ){_PRICE}")
_SIZE = re.compile(r"SIZE(?: ?: ?| )([ABC])(?: GAMMA)?(?: \(\d{1,3} CONTRACTS?\))?")

_OF_A_STOP = re.compile(r"\b(?:STOPS?|STOPLOSS|SL)\b")
_OF_A_TARGET = re.compile(r"\b(?:TARGETS?|TGTS?|TPS?|PT)\d*\b|\bT\d+\b|^T\b|\bTAKE ?PROFITS?\b|🎯")
_OF_A_SIZE = re.compile(
    r"\b(?:SIZE[SD]?|QTY|QUANTITY|CONTRACTS?|LOTS?|HALF|QUARTER|DOUBLE)\b|^\W*[A-Z]\W*(?:GAMMA\W*)?$"
)
_FIGURES = re.compile(r"[^A-Z]*\d[^A-Z]*")
"""A line of figures without a word."""
_FIGURE = re.compile(r"\d[\d,']*(?:\.\d+)?")
_NO_LETTER = "what stands in its place is none of them"


class RoomParser:
    """The strict form; with `variants` also a looser one: an @, all on one line, the stop in any line below.

    An alert may do without its letter: what then is traded, if anything, is the room's to say.
    """

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
        if len(headers) > 1 or shown.count("🚨") > 1:
            return Unread(Reason.TWO_ALERTS)
        if not headers:
            return Unread(Reason.NOT_AN_ALERT)
        at = headers[0]
        if not self._variants:
            return _alert(_HEADER, _STOP, lines[at], lines[:at], lines[at + 1 :], _STOP_WITHIN)
        header, *parts = _PARTS.split(lines[at])
        return _alert(_LOOSE_HEADER, _LOOSE_STOP, header, lines[:at], [*parts, *lines[at + 1 :]], None)


def _alert(
    form: re.Pattern[str],
    stop_form: re.Pattern[str],
    header: str,
    above: list[str],
    below: list[str],
    stop_within: int | None,
) -> Alert | Unread:
    found = form.fullmatch(header)
    if found is None:
        return _why_not(header)
    root, side, entry, grade = found.groups()
    stops = [line for line in (*above, *below) if _OF_A_STOP.search(line)]
    if len(stops) > 1:
        return Unread(Reason.TWO_STOPS)
    if not stops or stops[0] not in below[:stop_within]:
        return Unread(Reason.NO_STOP)
    stop = stop_form.fullmatch(stops[0])
    if stop is None:
        return Unread(Reason.BAD_PRICE, "the stop")
    targets: dict[int, Decimal] = {}
    for line in (*above, *below):
        if line == stops[0]:
            continue
        if _OF_A_TARGET.search(line):
            target = _TARGET.fullmatch(line)
            if target is None:
                return Unread(Reason.BAD_PRICE, "a target")
            number = int(target[1] or 1)
            if number in targets:
                return Unread(Reason.TARGET_ORDER, "one target is given twice")
            targets[number] = Decimal(target[2])
        elif _OF_A_SIZE.search(line):
            size = _SIZE.fullmatch(line)
            if grade is not None and (size is None or size[1] != grade):
                return Unread(Reason.TWO_SIZES)
            if size is None:
                return Unread(Reason.NO_SIZE, _NO_LETTER)
            grade = size[1]
        elif _FIGURES.fullmatch(line) or _names_a_price(line, Decimal(entry)):
            return Unread(Reason.BAD_PRICE, "a figure that belongs to nothing")
    if sorted(targets) != list(range(1, len(targets) + 1)):
        return Unread(Reason.TARGET_ORDER, "one before it is missing")
    return Alert(
        root,
        Side.BUY if side == "LONG" else Side.SELL,
        Decimal(entry),
        Decimal(stop[1]),
        Grade(grade) if grade else None,
        tuple(targets[k] for k in sorted(targets)),
    )


def _names_a_price(line: str, entry: Decimal) -> bool:
    """Whether a figure in a line of talk is within a tenth of the entry, and not that: who knows what it is
    for.
    """
    found = {Decimal(figure.replace(",", "").replace("'", "")) for figure in _FIGURE.findall(line)}
    return any(abs(figure - entry) * 10 <= entry for figure in found - {entry})


def _why_not(header: str) -> Unread:
    """A line that begins as an alert and does not go on as one."""
    rest = header.partition("LONG" if " LONG" in header else "SHORT")[2]
    if not re.fullmatch(_PRICE, rest.partition(":")[0].strip()):
        return Unread(Reason.BAD_PRICE, "the entry")
    return Unread(Reason.NO_SIZE, _NO_LETTER)
