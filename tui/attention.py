"""Alerts for those who are not looking: a bell, the terminal's title, a desktop notification."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.model.view import Notice, NoticeKind, Severity, View
from tui.plain import plain

_LONGEST = 120


class Call(Struct, frozen=True):
    """What the terminal should do. Empty texts mean nothing."""

    bell: bool = False
    title: str = ""
    notification: str = ""


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
        news = plain(loud[-1].text)[:_LONGEST] if loud and not focused else ""
        return Call(bell=bool(loud), title=changed, notification=news)
