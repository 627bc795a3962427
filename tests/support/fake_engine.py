"""An engine as whoever speaks to one sees it: a View, and an answer to every command."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from msgspec.structs import replace

from engine.model.alert_tries import AlertTried, TryAlert
from engine.model.alerts import Reason, Verdict
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.errors import PortError
from engine.model.market import Timeframe
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.questions import Question, Reply
from engine.model.review import JournalAsked
from engine.model.view import View
from engine.portfolio.review import told

_NOTHING: dict[type, Reply] = {
    TryAlert: AlertTried("", (), Verdict.UNREAD, Reason.UNKNOWN_ROOM, Reason.UNKNOWN_ROOM.sentence),
    JournalAsked: told([], {}, JournalAsked()),
}


class FakeEngine:
    """Fulfils EngineHandle for any thread; remembers the commands in `sent`."""

    def __init__(self, view: View, *, answers: bool = True, error: PortError | None = None) -> None:
        """Without `answers` commands are never answered; with `error` that is every answer."""
        self._view = view
        self._answers = answers
        self.error = error
        self._lock = threading.RLock()
        self.sent: list[AnyCommand] = []
        self.looked_up: list[Question] = []
        self.reply: Reply | None = None
        """What every question is answered; None is what an engine says that knows of nothing."""
        self.mute = False
        """No question is ever answered."""

    def view(self) -> View:
        with self._lock:
            return self._view

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return None

    def depth(self, instrument: str) -> DepthView | None:
        return None

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        return None

    def equity(self, book: str) -> EquityHistory | None:
        return None

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        return None

    def look_up(self, question: Question) -> Future[Reply]:
        self.looked_up.append(question)
        answer: Future[Reply] = Future()
        if not self.mute:
            answer.set_result(self.reply or _NOTHING[type(question)])
        return answer

    def notices(self, after_seq: int) -> Sequence[Notice]:
        with self._lock:
            return [notice for notice in self._view.notices if notice.seq > after_seq]

    def ask(self, command: AnyCommand) -> Future[Notice]:
        self.sent.append(command)
        answer: Future[Notice] = Future()
        if self.error is not None:
            answer.set_exception(self.error)
        elif self._answers:
            answer.set_result(self.obey(command))
        return answer

    def obey(self, command: AnyCommand) -> Notice:
        """What the command is answered."""
        text = f"done: {type(command).__name__.lower()}"
        return self.tell(NoticeKind.COMMAND, text, command_id=command.id, done=True)

    def show(self, **change: Any) -> None:
        """Serve another picture."""
        with self._lock:
            self._view = replace(self._view, **{"version": self._view.version + 1, **change})

    def tell(self, kind: NoticeKind, text: str, severity: Severity = Severity.INFO, **more: Any) -> Notice:
        """Let something happen."""
        with self._lock:
            seq = max((notice.seq for notice in self._view.notices), default=0) + 1
            notice = Notice(seq, self._view.ts, kind, severity, text, **more)
            self.show(notices=(*self._view.notices, notice))
            return notice
