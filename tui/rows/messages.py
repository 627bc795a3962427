"""What the engine says: alerts and log lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from engine.model.view import AlertView
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows import room_messages
from tui.rows.shared import kind_mark
from tui.screen_state import ScreenState, is_over, waits
from tui.styled_text import EMPTY, Row, cell, fit, width_of, wrap
from tui.things import Thing, Things, of_message, of_notice
from tui.view_facts import kind_of

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
"""Log levels from the most to the least talkative filter."""

_RANKS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_LEVEL_STYLES = {
    "DEBUG": "faint",
    "INFO": "dim",
    "WARNING": "warn",
    "ERROR": "error",
    "CRITICAL": "error bold",
}
_SEVERITY_STYLES = {
    Severity.INFO: "text",
    Severity.GOOD: "ok",
    Severity.WARNING: "warn",
    Severity.CRITICAL: "error bold",
}
_SIGNS = {
    NoticeKind.SIGNAL: "◆",
    NoticeKind.REFUSAL: "⊘",
    NoticeKind.FILL: "✓",
    NoticeKind.ORDER: "□",
    NoticeKind.RISK: "!",
    NoticeKind.STATE: "‖",
    NoticeKind.COMMAND: "›",
    NoticeKind.CONNECTION: "~",
    NoticeKind.MARKET: "·",
    NoticeKind.SECURITY: "§",
}
_NUMBERS = re.compile(r"[\d.,]+")


def notice_style(notice: Notice) -> str:
    """How the words of a notice look: by severity, refusals and market talk calmer."""
    if notice.severity is Severity.INFO and notice.kind in (NoticeKind.REFUSAL, NoticeKind.MARKET):
        return "dim"
    return _SEVERITY_STYLES[notice.severity]


def unacknowledged(state: ScreenState) -> int:
    """Loud notices that nobody has acknowledged yet."""
    return sum(_waits(state, n) for n in state.notices)


def _waits(state: ScreenState, notice: Notice) -> bool:
    return waits(notice, state.acknowledged, state.over)


def _told(state: ScreenState) -> dict[int, list[AlertView]]:
    """Messages of rooms by the moment in which they were read."""
    found: dict[int, list[AlertView]] = {}
    for alert in state.view.alerts:
        found.setdefault(alert.ts, []).append(alert)
    return found


def _repeats(notice: Notice, told: Mapping[int, Sequence[AlertView]]) -> bool:
    """Whether a message's own line says the same: what is taken, unread or refused in the very moment in
    which a message is read comes of that message. Later edits and fills have lines of their own."""
    return notice.kind in (NoticeKind.SIGNAL, NoticeKind.REFUSAL) and notice.ts in told


Again = tuple[NoticeKind, Severity, str | None, str | None, str]
_REPEATED = frozenset({NoticeKind.ORDER, NoticeKind.RISK})


def _again(notice: Notice) -> Again | None:
    """What a quiet refusal, or a connection, says but for its numbers, and what is said of an order or a risk
    in just these words: repeats of it are one line, the newest."""
    quiet = notice.kind is NoticeKind.REFUSAL and notice.severity is Severity.INFO
    words = notice.text
    if quiet or notice.kind is NoticeKind.CONNECTION:
        words = _NUMBERS.sub("", words)
    elif notice.kind not in _REPEATED:
        return None
    return notice.kind, notice.severity, notice.book, notice.instrument, words


ROOMS = "rooms"
ALERT_KINDS: dict[str, frozenset[NoticeKind]] = {
    "": frozenset(NoticeKind),
    "fills": frozenset({NoticeKind.FILL}),
    "signals": frozenset({NoticeKind.SIGNAL}),
    "refusals": frozenset({NoticeKind.REFUSAL}),
    "orders": frozenset({NoticeKind.ORDER, NoticeKind.COMMAND}),
    "risk": frozenset({NoticeKind.RISK, NoticeKind.STATE, NoticeKind.SECURITY}),
    "connections": frozenset({NoticeKind.CONNECTION, NoticeKind.MARKET}),
    ROOMS: frozenset(),
}
"""What the alerts pane may be asked to show alone, and the notices of it; messages of rooms show among all,
signals, refusals and by themselves."""
_WITH_MESSAGES = ("", "signals", "refusals", ROOMS)


def next_kind(kind: str) -> str:
    """The filter after this one, round and round."""
    kinds = list(ALERT_KINDS)
    return kinds[(kinds.index(kind) + 1) % len(kinds)]


def _message_passes(alert: AlertView, kind: str) -> bool:
    if kind in ("signals", "refusals"):
        return alert.verdict.trouble is (kind == "refusals")
    return kind in _WITH_MESSAGES


def _alert(state: ScreenState, notice: Notice, width: int, times_said: int = 1) -> list[Row]:
    style = (
        "dim" if is_over(notice, state.over) else notice_style(notice)
    )  # what came after it is loud enough
    word = _whose(state, notice)
    text = plain(notice.text) + (f" ×{times_said}" if times_said > 1 else "")
    first, *rest = wrap(text, max(8, width - 11 - width_of(word)))
    head: Row = (
        (f"{times.clock(notice.ts, state.view.told_in)} ", "text" if _waits(state, notice) else "faint"),
        (f"{_SIGNS[notice.kind]} ", style),
        *word,
        (first, style),
    )
    rows = [head, *(((" " * 11, "text"), (line, style)) for line in rest)]
    plan = _plan(notice)
    if plan and width_of(rows[-1]) + 2 + len(plan) <= width:
        rows[-1] = (*rows[-1], (f"  {plan}", "dim"))
    return rows


def _whose(state: ScreenState, notice: Notice) -> Row:
    """The word of its kind of money, and the book where several of that kind are shown."""
    kind, book = kind_of(state.view, notice.book), notice.book or ""
    alike = [one.book for one in state.view.books if one.kind is kind]
    named = len(alike) > 1 and book in alike and book != state.book
    name: Row = ((f"{plain(book)} ", "dim"),) if named else EMPTY
    return (*kind_mark(state.view, kind), *name)


def _plan(notice: Notice) -> str:
    """Where a signal's trade ends, either way, and what it risks: said where it costs no line of its own."""
    facts = notice.signal
    if facts is None:
        return ""
    targets = f" to {' '.join(map(str, facts.targets))}" if facts.targets else ""
    return f"stop {facts.stop}{targets} risk {figures.usd(facts.risk_usd)} USD"


def alert_rows(state: ScreenState, width: int) -> list[Row]:
    """Of `alert_table`."""
    return alert_table(state, width)[0]


def alert_table(state: ScreenState, width: int) -> tuple[list[Row], Things]:
    """Notices and messages of rooms in one order, the newest first, long ones wrapped; and what each row is
    about."""
    told = _told(state)
    loud: set[int] = set()
    lines: list[tuple[int, Thing, list[Row]]] = []
    wanted = [notice for notice in state.notices if notice.kind in ALERT_KINDS[state.alert_kind]]
    again = Counter(key for key in map(_again, wanted) if key is not None)
    shown: set[Again] = set()
    for notice in reversed(wanted):
        key = _again(notice)
        if _repeats(notice, told):
            loud |= {notice.ts} if _waits(state, notice) else set()
        elif key is None or key not in shown:
            thing = of_notice(notice, "" if key is None else repr(key))
            rows = _alert(state, notice, width, 1 if key is None else again[key])
            lines.insert(0, (notice.ts, thing, rows))
        if key is not None:
            shown.add(key)
    said = [
        (alert.ts, of_message(alert), room_messages.message_rows(state, alert, width, alert.ts in loud))
        for alert in state.view.alerts
        if _message_passes(alert, state.alert_kind)
    ]
    # Of one moment the message came first.
    ordered = sorted([*said, *lines], key=lambda item: item[0])
    shown_rows = [(fit(row, width), thing) for _, thing, rows in reversed(ordered) for row in rows]
    return [row for row, _ in shown_rows], tuple(thing for _, thing in shown_rows)


def alert_line(state: ScreenState, width: int) -> Row:
    """The newest notice that matters in one line; a loud one that waits goes before a newer quiet one."""
    loud = [n for n in state.notices if _waits(state, n)]
    more = f" (+{len(loud) - 1})" if len(loud) > 1 else ""
    if not state.notices:
        return fit(cell(" no alerts yet", "faint"), width)
    notice, told = loud[-1] if loud else state.notices[-1], _told(state)
    if _repeats(notice, told):
        line = room_messages.message_line(state, told[notice.ts][-1], width - len(more) - 1, bool(loud))
        return ((" ", "text"), *line, (more, "warn bold"))
    row: Row = (
        (f" {times.clock(notice.ts, state.view.told_in)} ", "dim"),
        (f"{_SIGNS[notice.kind]} ", notice_style(notice)),
        *_whose(state, notice),
        (plain(notice.text), notice_style(notice)),
    )
    return (*fit(row, width - len(more)), (more, "warn bold"))


def log_passes(line: LogLine, level: str, words: str) -> bool:
    """Whether a line is at least of the level and holds the words, whatever their case."""
    if _RANKS.get(line.level, 20) < _RANKS[level]:
        return False
    return not words or words.casefold() in f"{line.logger} {line.text}".casefold()


def log_row(line: LogLine, width: int, zone: str) -> Row:
    """One log line: time in a zone, level, where from, words."""
    style = _LEVEL_STYLES.get(line.level, "dim")
    words = "text" if line.level == "INFO" else style
    logger = plain(line.logger)
    short = logger.rsplit(".", 1)[-1] if width < 100 else logger
    return fit(
        (
            (f"{times.clock(line.ts, zone)} ", "faint"),
            (f"{line.level[:4]:<4} ", style),
            (f"{short} ", "faint"),
            (plain(line.text), words),
        ),
        width,
    )


def log_line(state: ScreenState, width: int) -> Row:
    """The newest log line on one row."""
    if not state.logs:
        return fit(cell(" log is quiet", "faint"), width)
    return fit(((" ", "text"), *log_row(state.logs[-1], width - 1, state.view.told_in)), width)
