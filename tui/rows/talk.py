"""What the engine says: alerts and log lines."""

from __future__ import annotations

from engine.model.view import LogLine, Notice, NoticeKind, Severity
from tui import times
from tui.plain import plain
from tui.rows.status import mark
from tui.scene import Scene, kind_of
from tui.spans import Row, cell, fit, width_of, wrap

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
    Severity.GOOD: "gain",
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
}
LOUD = (Severity.WARNING, Severity.CRITICAL)
"""Severities that wait to be acknowledged."""


def notice_style(notice: Notice) -> str:
    """How the words of a notice look: by severity, refusals and market talk calmer."""
    if notice.severity is Severity.INFO and notice.kind in (NoticeKind.REFUSAL, NoticeKind.MARKET):
        return "dim"
    return _SEVERITY_STYLES[notice.severity]


def unacknowledged(scene: Scene) -> int:
    """Loud notices that nobody has acknowledged yet."""
    return sum(n.seq > scene.acknowledged and n.severity in LOUD for n in scene.notices)


def _alert(scene: Scene, notice: Notice, width: int) -> list[Row]:
    style = notice_style(notice)
    waiting = notice.seq > scene.acknowledged and notice.severity in LOUD
    word = mark(scene.view, kind_of(scene.view, notice.book))
    first, *rest = wrap(plain(notice.text), max(8, width - 11 - width_of(word)))
    head: Row = (
        (f"{times.clock(notice.ts)} ", "text" if waiting else "faint"),
        (f"{_SIGNS[notice.kind]} ", style),
        *word,
        (first, style),
    )
    return [head, *(((" " * 11, "text"), (line, style)) for line in rest)]


def alerts(scene: Scene, width: int) -> list[Row]:
    """Notices, the newest first, long ones wrapped."""
    return [fit(row, width) for n in reversed(scene.notices) for row in _alert(scene, n, width)]


def alert_line(scene: Scene, width: int) -> Row:
    """The newest notice that matters in one line; a loud one that waits goes before a newer quiet one."""
    if not scene.notices:
        return fit(cell(" no alerts yet", "faint"), width)
    loud = [n for n in scene.notices if n.seq > scene.acknowledged and n.severity in LOUD]
    notice = loud[-1] if loud else scene.notices[-1]
    more = f" (+{len(loud) - 1})" if len(loud) > 1 else ""
    row: Row = (
        (f" {times.clock(notice.ts)} ", "dim"),
        (f"{_SIGNS[notice.kind]} ", notice_style(notice)),
        *mark(scene.view, kind_of(scene.view, notice.book)),
        (plain(notice.text), notice_style(notice)),
    )
    return (*fit(row, width - len(more)), (more, "warn bold"))


def log_passes(line: LogLine, level: str, words: str) -> bool:
    """Whether a line is at least of the level and holds the words, whatever their case."""
    if _RANKS.get(line.level, 20) < _RANKS[level]:
        return False
    return not words or words.casefold() in f"{line.logger} {line.text}".casefold()


def log_row(line: LogLine, width: int) -> Row:
    """One log line: time, level, where from, words."""
    style = _LEVEL_STYLES.get(line.level, "dim")
    words = "text" if line.level == "INFO" else style
    logger = plain(line.logger)
    short = logger.rsplit(".", 1)[-1] if width < 100 else logger
    return fit(
        (
            (f"{times.clock(line.ts)} ", "faint"),
            (f"{line.level[:4]:<4} ", style),
            (f"{short} ", "faint"),
            (plain(line.text), words),
        ),
        width,
    )


def log_line(scene: Scene, width: int) -> Row:
    """The newest log line on one row."""
    if not scene.logs:
        return fit(cell(" log is quiet", "faint"), width)
    return fit(((" ", "text"), *log_row(scene.logs[-1], width - 1)), width)
