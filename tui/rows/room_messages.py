"""Messages of alert rooms: what each says in our words, what came of it in each book, and how fast."""

from __future__ import annotations

from decimal import Decimal

from engine.model.alerts import Verdict
from engine.model.events import AlertKind
from engine.model.market import NANOS, Side
from engine.model.orders import AccountKind
from engine.model.view import AlertFate, AlertView, View
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.shared import kind_mark
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, cell, fit, join, width_of, wrap
from tui.view_facts import kind_of, lot_of

AIM_NS = NANOS
"""An alert's order should be on its way within so long of the posting; slower ones are shown as a warning."""

_LOOKS = {
    Verdict.TRADED: ("◆", "ok bold"),
    Verdict.UNREAD: ("⊘", "warn"),
    Verdict.REFUSED: ("⊘", "warn bold"),
    Verdict.AMENDED: ("◈", "accent bold"),
    Verdict.CANCELLED: ("◇", "warn"),
    Verdict.FOLLOWED: ("◈", "accent"),
    Verdict.IGNORED: ("◇", "dim"),
}
_MARKS = {AlertKind.POSTED: "", AlertKind.EDITED: "edited", AlertKind.DELETED: "deleted"}
_INDENT = 9
"""Under the sign, behind the time."""
_ROOM, _ROOM_LEAST = 16, 4
"""Cells that a room's name may take, and that are left to it where there is little room."""
_SLOW_AT = 10 * NANOS
_AGE = 4
_SLOW = "warn bold"
_LONG_TAIL = 90
"""Cells from which on it is said which of the times is which."""
_GAP = ("  ", "text")


def main_fates(view: View, alert: AlertView) -> tuple[AlertFate, ...]:
    """What came of it in the books that the badge stands for, or in any where none of them took part."""
    return tuple(f for f in alert.fates if kind_of(view, f.book) is view.mode) or alert.fates


def verdict_of(view: View, alert: AlertView) -> Verdict:
    """The verdict as it turned out for the badge's money: what none of its books took is refused, whatever
    the room made of it and whatever a paper book does."""
    fates = main_fates(view, alert)
    if alert.verdict is Verdict.TRADED and fates and all(f.refusals and not f.entered for f in fates):
        return Verdict.REFUSED
    return alert.verdict


def times_of(view: View, alert: AlertView) -> tuple[int | None, int | None]:
    """Nanoseconds from posting to the order and to the venue's answer, in the books that the badge stands
    for; None where there was none."""
    fates = main_fates(view, alert)
    sent = min((f.sent_ns for f in fates if f.sent_ns is not None), default=None)
    return sent, min((f.answered_ns for f in fates if f.answered_ns is not None), default=None)


def kind_of_all(view: View, alert: AlertView) -> AccountKind:
    """Whose money traded it where that is one kind alone; else that of the badge."""
    kinds = {kind_of(view, fate.book) for fate in alert.fates}
    return kinds.pop() if len(kinds) == 1 else view.mode


def latency_text(nanos: int) -> str:
    """A time from posting to order: "412 ms", "12.4 s". Below zero where this machine's clock is behind."""
    if abs(nanos) < _SLOW_AT:
        return f"{nanos / 1e6:.0f} ms".replace("-", figures.MINUS)
    if abs(nanos) < 100 * NANOS:
        return f"{nanos / NANOS:.1f} s".replace("-", figures.MINUS)
    return figures.lasting(nanos) if nanos > 0 else f"{figures.MINUS}{figures.lasting(-nanos)}"


def contract_text(alert: AlertView) -> str:
    """What is traded for it: "MES long"; empty where the text says no trade."""
    if not alert.instrument or alert.side is None:
        return ""
    return f"{plain(alert.instrument)} {'long' if alert.side is Side.BUY else 'short'}"


def _price(price: Decimal) -> str:
    """As people write it in a room: "6326", "6326.25"."""
    return f"{price.normalize():f}"


def terms_text(alert: AlertView, *, targets: bool = True) -> str:
    """The trade as the room gave it: "6326 stop 6316 to 6333 6338 A"."""
    if alert.entry is None or alert.stop is None:
        return ""
    words = f"{_price(alert.entry)} stop {_price(alert.stop)}"
    if alert.targets and targets:
        words += f" to {' '.join(map(_price, alert.targets))}"
    return f"{words} {alert.grade}" if alert.grade is not None else words


def fate_text(alert: AlertView, outcome: AlertFate, lot: Decimal = Decimal(1)) -> str:
    """What came of it in one book: "bought 3", "entering 3", "refused: …"."""
    if outcome.refusals and not outcome.entered:
        return f"refused: {'; '.join(outcome.refusals)}"
    if not outcome.entered:
        return "not filled" if outcome.closed else f"entering {figures.quantity(outcome.qty, lot)}"
    verb = "sold" if alert.side is Side.SELL else "bought"
    part = "" if outcome.entered >= outcome.qty else f" of {figures.quantity(outcome.qty, lot)}"
    return f"{verb} {figures.quantity(outcome.entered, lot)}{part}{', closed' if outcome.closed else ''}"


def _fate_style(outcome: AlertFate) -> str:
    if outcome.refusals and not outcome.entered:
        return "warn"
    if outcome.closed:
        return "dim"
    return "ok" if outcome.entered else "text"


def why(alert: AlertView) -> str:
    """The reason as a sentence; empty where there is nothing to say."""
    return plain(alert.text)


def quoted(alert: AlertView) -> str:
    """The beginning of the message itself, where people have to look themselves."""
    return f"“{plain(alert.excerpt)}”" if alert.excerpt and alert.verdict.trouble else ""


def revision(alert: AlertView) -> str:
    """ "edited" or "deleted"; empty as long as the message stands as it was posted."""
    return _MARKS[alert.kind]


def _fates(state: ScreenState, alert: AlertView) -> list[Row]:
    """One part for each book, behind the word of its money; its name where the word doesn't say it all."""
    parts: list[Row] = []
    lot = lot_of(state.view, alert.instrument)
    for outcome in alert.fates:
        kind = kind_of(state.view, outcome.book)
        named = len(alert.fates) > 1 and outcome.book.casefold() != kind.value
        name: Row = ((f"{plain(outcome.book)} ", "dim"),) if named else EMPTY
        arrow: Row = cell("→ ", "faint")
        parts.append(
            (
                *arrow,
                *kind_mark(state.view, kind),
                *name,
                (plain(fate_text(alert, outcome, lot)), _fate_style(outcome)),
            )
        )
    return parts


def _parts(state: ScreenState, alert: AlertView, *, targets: bool = True) -> list[Row]:
    """Everything but the first line's own, most telling first: a reason stands before what it is about."""
    trouble = alert.verdict.trouble
    reason: Row = cell(why(alert), "text" if trouble else "dim")
    said: Row = cell(terms_text(alert, targets=targets), "dim" if trouble else "text")
    original: Row = cell(quoted(alert), "dim")
    fates = _fates(state, alert)
    parts = [reason, said, original, *fates] if trouble else [said, *fates, reason]
    return [part for part in parts if width_of(part)]


def _tail(state: ScreenState, alert: AlertView, *, long: bool) -> Row:
    """How fast the order was on its way, perhaps when the venue answered, and how long ago it all was."""
    spans: list[tuple[str, str]] = [(" ", "text")]
    sent, answered = times_of(state.view, alert)
    if sent is not None:
        slow = not 0 <= sent <= AIM_NS
        spans += [("order " if long else "", "dim"), (latency_text(sent), _SLOW if slow else "text bold")]
        if long and answered is not None:
            spans += [(" answer ", "dim"), (latency_text(answered), "text")]
    return (*spans, (f"{figures.lasting(state.view.ts - alert.ts):>{_AGE}}", "faint"))


def _head(state: ScreenState, alert: AlertView, width: int, waiting: bool) -> tuple[Row, Row]:
    """Time, verdict, contract and room in at most `width` cells; and whether it was changed, which goes
    behind them where there is room, else before the rest."""
    verdict = verdict_of(state.view, alert)
    sign, style = _LOOKS[verdict]
    what, changed = contract_text(alert), revision(alert)
    begin: Row = (
        (f"{times.clock(alert.ts, state.view.told_in)} ", "text" if waiting else "faint"),
        (f"{sign} ", style),
        *kind_mark(state.view, kind_of_all(state.view, alert)),
        (verdict.value.upper(), style),
        (f" {what}" if what else "", "accent bold"),
        (" ", "text"),
    )
    mark_of: Row = cell(changed, "warn") if changed else EMPTY
    name: Row = cell(plain(alert.room), "dim")
    left = min(_ROOM, max(_ROOM_LEAST, width - width_of(begin)))
    name = fit(name, left) if width_of(name) > left else name
    head: Row = (*begin, *name)
    if changed and width_of(head) + 1 + len(changed) <= width:
        return (*head, (" ", "text"), *mark_of), EMPTY
    return head, mark_of


def _spread(left: Row, right: Row, width: int) -> Row:
    """Both in `width` cells, the right one at the right edge and never cut."""
    return (*fit(left, width - width_of(right)), *right)


def message_rows(state: ScreenState, alert: AlertView, width: int, waiting: bool) -> list[Row]:
    """A message in as few lines as its words need. The room's targets go where that saves a line: of a trade
    they are at work, and shown with it; everything else is always there."""
    found: list[list[Row]] = []
    for targets, long in ((True, True), (True, False), (False, False)):
        if found and len(found[-1]) == 1:
            break
        tail = _tail(state, alert, long=long and width >= _LONG_TAIL)
        room = width - width_of(tail)
        head, changed = _head(state, alert, room, waiting)
        parts = [part for part in (changed, *_parts(state, alert, targets=targets)) if part]
        whole = join((head, *parts), _GAP)
        if width_of(whole) <= room:
            found.append([_spread(whole, tail, width)])
            continue
        rest = _flow(parts, max(8, width - _INDENT))
        indented = [fit(((" " * _INDENT, "text"), *line), width) for line in rest]
        found.append([_spread(head, tail, width), *indented])
    return min(found, key=len)


def _flow(parts: list[Row], width: int) -> list[Row]:
    """Parts one after the other, a new line where one does not fit; one that fits on none is wrapped."""
    lines: list[Row] = []
    line: Row = EMPTY
    for part in parts:
        longer = join((line, part), _GAP)
        if width_of(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _wrapped(part, width)
        lines += full
    return [*lines, line] if line else lines


def _wrapped(part: Row, width: int) -> list[Row]:
    """A part in several lines. Only its last span is long; those before it are its name."""
    *before, (text, style) = part
    name = width_of(tuple(before))
    if width_of(part) <= width or width - name < 8:
        return [fit(part, width) if width_of(part) > width else part]
    first, *rest = wrap(text, width - name)
    blank = (" " * name, "text")
    return [(*before, (first, style)), *((blank, (line, style)) for line in rest)]


def message_line(state: ScreenState, alert: AlertView, width: int, waiting: bool) -> Row:
    """A message on one line: its end is cut where there is no room, its times never."""
    tail = _tail(state, alert, long=False)
    room = max(0, width - width_of(tail))
    head, changed = _head(state, alert, room, waiting)
    wholes = [
        join((head, changed, *_parts(state, alert, targets=targets)), _GAP) for targets in (True, False)
    ]
    fitting = next((whole for whole in wholes if width_of(whole) <= room), wholes[-1])
    return _spread(fitting, tail, width)
