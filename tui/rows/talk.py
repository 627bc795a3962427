"""What the engine says: alerts, log lines, and how its parts are."""

from __future__ import annotations

from engine.model.events import LinkState
from engine.model.view import LogLine, Notice, NoticeKind, Severity
from tui import figures, times
from tui.plain import plain
from tui.scene import Scene
from tui.spans import Row, cell, fit, wrap

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
SLOW_WAIT_MS = 20.0
"""From here on the time that events wait in the engine is shown as a warning."""
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
    first, *rest = wrap(plain(notice.text), max(8, width - 11))
    head: Row = (
        (f"{times.clock(notice.ts)} ", "text" if waiting else "faint"),
        (f"{_SIGNS[notice.kind]} ", style),
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
        (f"{_SIGNS[notice.kind]} {plain(notice.text)}", notice_style(notice)),
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


_LINKS = {
    LinkState.LIVE: ("●", "gain"),
    LinkState.CONNECTING: ("◌", "warn"),
    LinkState.STALE: ("◐", "warn"),
    LinkState.DOWN: ("✕", "error"),
}


def _fact(label: str, value: str, style: str = "text", more: str = "", more_style: str = "faint") -> Row:
    return ((f"{label[:10]:<11}", "dim"), (value, style), (f"  {more}" if more else "", more_style))


def system(scene: Scene, width: int) -> list[Row]:
    """Connections, the engine's health, what runs."""
    view, health = scene.view, scene.view.health
    rows: list[Row] = []
    for link in view.links:
        light, style = _LINKS[link.state]
        rows.append(_fact(plain(link.name), f"{light} {link.state.value}", style, plain(link.detail)))
    word, style = ("● ok", "gain") if health.ok else (f"✕ {plain(health.detail)}", "error bold")
    slow, lost = health.wait_p99_ms > SLOW_WAIT_MS, health.dropped > 0
    rows += [
        _fact("engine", word, style),
        _fact("event wait", f"{health.wait_p99_ms:.1f} ms p99", "warn" if slow else "text"),
        _fact("inbox", str(health.inbox), "text", f"dropped {health.dropped}", "warn" if lost else "faint"),
        _fact("journal", f"{health.journal_seq:,} records"),
        _fact("prints", f"{health.prints:,}"),
    ]
    if view.strategy:
        rows.append(_fact("strategy", plain(view.strategy)))
    rows.append(_fact("running", figures.uptime(view.uptime_ns)))
    for book in view.books:
        verified = ("verified", "gain") if book.reconciled else ("not verified", "warn bold")
        rows.append(_fact(plain(book.book), plain(book.account), "text", *verified))
    return [fit(row, width) for row in rows]
