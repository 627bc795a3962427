"""An engine that only serves pictures and remembers commands."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import Future
from decimal import Decimal

from msgspec.structs import replace

from engine.model.chart import ChartView, OlderBars
from engine.model.commands import AnyCommand
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityDay, EquityHistory
from engine.model.errors import RefusedError
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.model.notices import LogLine, Notice, NoticeKind, Severity
from engine.model.questions import Question, Reply
from engine.model.view import (
    BookView,
    EquityPoint,
    View,
)
from tests.tui.charts import charts
from tests.tui.fake import trading_view


class FakeEngine:
    """Fulfils EngineHandle and LogTail; tests set `current` and read `sent`."""

    def __init__(self, view: View | None = None, logs: Sequence[LogLine] = ()) -> None:
        self.current = trading_view() if view is None else view
        self.sent: list[AnyCommand] = []
        self.asked: dict[str, Future[Notice]] = {}
        self.happened: list[Notice] = list(self.current.notices)
        self.log: list[LogLine] = list(logs)
        self.looked_up: list[Question] = []
        self.replies: dict[type, Reply] = {}
        """By the question's type; what has none is refused."""
        self.older: dict[tuple[str, Timeframe], tuple[tuple[Bar, ...], OlderBars]] = {}
        """What stands before the bars of a chart, and what there is before that."""
        self.depths: dict[str, DepthView] = {}
        self.tapes: dict[tuple[str, Timeframe], TapeView] = {}
        self.asked_older: list[tuple[str, Timeframe]] = []

    def view(self) -> View:
        return self.current

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        known = CME_FUTURES.get(instrument)
        if known is None:
            return None
        chart, (bars, state) = charts(known)[timeframe], self.older.get((instrument, timeframe), ((), None))
        return chart if state is None else replace(chart, bars=(*bars, *chart.bars), older=state)

    def depth(self, instrument: str) -> DepthView | None:
        return self.depths.get(instrument)

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        return self.tapes.get((instrument, timeframe))

    def equity(self, book: str) -> EquityHistory | None:
        known = next((one for one in self.current.books if one.book == book), None)
        return None if known is None else equity_of(known, self.current.ts)

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self.asked_older.append((instrument, timeframe))

    def look_up(self, question: Question) -> Future[Reply]:
        self.looked_up.append(question)
        answer: Future[Reply] = Future()
        reply = self.replies.get(type(question))
        if reply is None:
            answer.set_exception(RefusedError("nobody is there"))
        else:
            answer.set_result(reply)
        return answer

    def ask(self, command: AnyCommand) -> Future[Notice]:
        """Nothing is answered before the test says so (`answer`)."""
        self.sent.append(command)
        self.asked[command.id] = Future()
        return self.asked[command.id]

    def answer(self, command_id: str, text: str, severity: Severity = Severity.INFO) -> None:
        self.happen(NoticeKind.COMMAND, severity, text, command_id=command_id)
        done = severity in (Severity.INFO, Severity.GOOD)
        self.happened[-1] = replace(self.happened[-1], done=done)
        self.asked[command_id].set_result(self.happened[-1])

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return [n for n in self.happened if n.seq > after_seq]

    def lines(self, after_seq: int) -> Sequence[LogLine]:
        return [line for line in self.log if line.seq > after_seq]

    def show(self, view: View) -> None:
        """Serve another picture."""
        self.current = replace(view, version=self.current.version + 1)

    def happen(
        self,
        kind: NoticeKind,
        severity: Severity,
        text: str,
        instrument: str | None = None,
        command_id: str | None = None,
    ) -> Notice:
        """Let something happen."""
        seq = self.happened[-1].seq + 1 if self.happened else 1
        notice = Notice(seq, self.current.ts, kind, severity, text, instrument, command_id=command_id)
        self.happened.append(notice)
        self.show(replace(self.current, notices=(*self.current.notices, notice)))
        return notice


def equity_of(book: BookView, now: int) -> EquityHistory:
    """The day of the view, and nine days before it."""
    chance, days = random.Random(book.book), []
    for back in range(9, 0, -1):
        net = Decimal(chance.randint(-300, 400))
        begin = now - back * 24 * 60 * MINUTE
        points = [EquityPoint(begin + hour * 60 * MINUTE, net * hour / 20) for hour in range(0, 21, 4)]
        high, low = max(net, Decimal(0)) + 40, min(net, Decimal(0)) - 60
        date = f"2026-10-{14 - back:02d}"
        days.append(
            EquityDay(date, points[-1].ts, net, high, low, Decimal(120), tuple(points if back < 6 else ()))
        )
    curve = book.curve
    today = EquityDay("2026-10-14", now, book.day_usd, curve.high_usd, curve.low_usd, book.max_drawdown_usd,
                      (*curve.points, EquityPoint(now, book.day_usd)))  # fmt: skip
    return EquityHistory(book.book, (*days, today))
