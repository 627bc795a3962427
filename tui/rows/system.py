"""How everything is: connections, oddities survived, the engine's health, the accounts."""

from __future__ import annotations

from engine.model.restrictions import RestrictionView
from engine.model.view import BookView, View
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows import links
from tui.rows.books import bot_rows
from tui.screen_state import ScreenState
from tui.styled_text import Row, fit, join, wrap

SLOW_WAIT_MS = 20.0
"""From here on the time that events wait in the engine is shown as a warning."""
_LABEL = 11


def _fact(label: str, value: str, style: str = "text", more: str = "", more_style: str = "faint") -> Row:
    return (
        (f"{label[: _LABEL - 1]:<{_LABEL}}", "dim"),
        (value, style),
        (f"  {more}" if more else "", more_style),
    )


def _oddities(view: View, width: int) -> list[Row]:
    """Oddities that were survived, the most frequent first. None is good news, and said."""
    counts = sorted(view.health.counts.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{count:,} {plain(name)}" for name, count in counts if count]
    if not words:
        return [_fact("oddities", "none", "dim")]
    first, *rest = wrap(" · ".join(words), max(12, width - _LABEL))
    return [_fact("oddities", first), *(_fact("", line) for line in rest)]


def _restrictions(view: View, width: int) -> list[Row]:
    """Everything that holds entries back, whichever contract is shown: where, what, why, until when."""
    rows: list[Row] = []
    for held in view.restrictions:
        book = plain(held.book) if held.book and len(view.books) > 1 else ""
        where = " ".join(part for part in (plain(held.instrument), book) if part) or "everything"
        lines = wrap(f"{where}: {_held(view, held)}", max(12, width - _LABEL))
        rows += [_fact("" if rows or i else "held back", line, "warn") for i, line in enumerate(lines)]
    return rows or [_fact("held back", "nothing", "dim")]


def _engine(view: View) -> list[Row]:
    health = view.health
    word, style = ("● ok", "ok") if health.ok else (f"✕ {plain(health.detail)}", "error bold")
    slow, lost = health.wait_p99_ms > SLOW_WAIT_MS, health.dropped > 0
    rows = [
        _fact("engine", word, style),
        _fact("event wait", f"{health.wait_p99_ms:.1f} ms p99", "warn" if slow else "text"),
        _fact(
            "inbox", f"{health.inbox:,}", "text", f"dropped {health.dropped:,}", "warn" if lost else "faint"
        ),
        _fact("journal", f"{health.journal_seq:,} records", "text", f"{health.prints:,} prints"),
    ]
    if (process := health.process) is not None:
        takes = f"CPU {figures.percent(process.cpu_percent / 100)}, {process.memory_bytes / 1e6:.0f} MB"
        rows.append(_fact("process", takes, more=f"disk {process.disk_free_bytes / 1e9:.1f} GB free"))
    failed = [f"{plain(one.name)}: {plain(one.detail)}" for one in health.components if not one.ok]
    rows += [_fact("" if n else "failed", line, "error") for n, line in enumerate(failed)]
    if view.strategy:
        rows.append(_fact("strategy", plain(view.strategy)))
    return [*rows, _fact("running", figures.duration(view.uptime_ns))]


def _book(view: View, book: BookView, width: int) -> list[Row]:
    """An account: whether the venue has confirmed it, who pairs stop and target, what locks it."""
    verified = ("verified", "ok") if book.reconciled else ("not verified", "warn bold")
    oco = ("native OCO", "dim") if book.brackets else ("own OCO", "warn")
    marks = join([(verified,), (oco,)], (" · ", "faint"))
    name: Row = ((f"{plain(book.book)[: _LABEL - 1]:<{_LABEL}}", "dim"), (f"{plain(book.account)}  ", "text"))
    rows: list[Row] = [(*name, *marks)]
    if book.preset:
        rows.append(_fact("", plain(book.preset), "dim"))
    if book.restriction is not None:
        words = _held(view, book.restriction)
        rows += [_fact("", line, "warn") for line in wrap(words, max(12, width - _LABEL))]
    if book.flatten is not None and book.flatten.alarm:
        rows.append(_fact("", plain(book.flatten.alarm), "error bold"))
    return rows


def _held(view: View, held: RestrictionView) -> str:
    words = f"{held.word} {plain(held.why)}".rstrip()
    if held.until is not None:
        words += f", unlocks {times.when(held.until, view.ts, view.told_in)} {plain(view.told_mark)}"
    return words


def system_rows(state: ScreenState, width: int) -> list[Row]:
    """Everything, what matters most first; scrolls where there is not enough room."""
    view = state.view
    rows = [
        *links.link_rows(view, width),
        *_restrictions(view, width),
        *_oddities(view, width),
        *_engine(view),
        *bot_rows(view, width),
    ]
    for book in view.books:
        rows += _book(view, book, width)
    return [fit(row, width) for row in rows]
