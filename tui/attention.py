"""Alerts for those who are not looking: a bell, the terminal's title, a desktop notification."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import View
from tui import clock_times as times
from tui.plain_text import plain
from tui.view_facts import kind_of

_LONGEST = 120
CRITICAL = "critical"


class Calling(Struct, frozen=True):
    """When somebody wants to be called."""

    bell: bool = True
    """Off: it never rings."""
    bell_on: frozenset[str] = frozenset({NoticeKind.FILL.value, CRITICAL})
    """Kinds of notices for which it does, and CRITICAL for every critical one."""
    quiet: tuple[str, str] = ("", "")
    """From when until when, HH:MM by the clock of the screen's times, only what is critical calls; empty for
    never. An end before the begin is on the next day.
    """

    def is_quiet(self, clock: str) -> bool:
        """Whether HH:MM lies within the quiet hours."""
        begin, end = self.quiet
        if not begin or not end or begin == end:
            return False
        return begin <= clock < end if begin < end else clock >= begin or clock < end

    def rings_for(self, notice: Notice) -> bool:
        """Whether it does outside of the quiet hours."""
        critical = notice.severity is Severity.CRITICAL and CRITICAL in self.bell_on
        return self.bell and (critical or notice.kind.value in self.bell_on)


class Call(Struct, frozen=True):
    """What the terminal should do. Empty texts mean nothing."""

    bell: bool = False
    title: str = ""
    notification: str = ""


def _news(view: View, notice: Notice) -> str:
    """The words, and whose money they are about where it is not that of the title."""
    kind = kind_of(view, notice.book)
    word = "" if kind is view.mode else f"{kind.value.upper()} "
    return f"{word}{plain(notice.text)}"[:_LONGEST]


EVER = Calling()


class Attention:
    """Decides once for each notice; remembers the title that the terminal shows."""

    def __init__(self, calling: Calling = EVER) -> None:
        self.calling = calling
        self._title = ""

    @staticmethod
    def matters(notice: Notice) -> bool:
        """Fills and everything critical."""
        return notice.severity is Severity.CRITICAL or notice.kind is NoticeKind.FILL

    def call(self, view: View, fresh: Sequence[Notice], waiting: int, focused: bool) -> Call:
        """What to do about new notices while `waiting` loud ones are not acknowledged."""
        if self.calling.is_quiet(times.hour_minute(view.ts, view.told_in)):
            fresh = [notice for notice in fresh if notice.severity is Severity.CRITICAL]
        loud = [notice for notice in fresh if self.matters(notice)]
        title = f"({waiting}!) " if waiting else ""
        title += f"tstream {view.mode.value.upper()}"
        changed = title if title != self._title else ""
        self._title = title
        news = _news(view, loud[-1]) if loud and not focused else ""
        return Call(bell=any(map(self.calling.rings_for, fresh)), title=changed, notification=news)
