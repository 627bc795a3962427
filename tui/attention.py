"""Alerts for those who are not looking: a bell, the terminal's title, a desktop notification."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.view import View
from tui.plain_text import plain
from tui.view_facts import kind_of

_LONGEST = 120


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


class Attention:
    """Decides once for each notice; remembers the title that the terminal shows."""

    def __init__(self) -> None:
        self._title = ""

    @staticmethod
    def matters(notice: Notice) -> bool:
        """Fills and everything critical."""
        return notice.severity is Severity.CRITICAL or notice.kind is NoticeKind.FILL

    def call(self, view: View, fresh: Sequence[Notice], waiting: int, focused: bool) -> Call:
        """What to do about new notices while `waiting` loud ones are not acknowledged."""
        loud = [notice for notice in fresh if self.matters(notice)]
        title = f"({waiting}!) " if waiting else ""
        title += f"tstream {view.mode.value.upper()}"
        changed = title if title != self._title else ""
        self._title = title
        news = _news(view, loud[-1]) if loud and not focused else ""
        return Call(bell=bool(loud), title=changed, notification=news)
