"""An engine as the control socket sees it: a View that grows, and answers to commands."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from decimal import Decimal

from msgspec.structs import replace

from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.errors import PortError
from engine.model.market import Bar, Timeframe
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.orders import AccountKind
from engine.model.view import ContractView, HealthView, SessionPhase, SessionView, TradingState, View

BAR = Bar("MNQ", Timeframe.M1, 0, 84_000, 84_010, 83_990, 84_001, 12)


def a_view() -> View:
    """A small but complete View."""
    contract = ContractView(
        instrument="MNQ",
        name="MNQZ6",
        description="“[bold]Micro”\n\x1b[31m",
        tick_size=Decimal("0.25"),
        tick_value_usd=Decimal("0.50"),
        decimals=2,
        bid=Decimal("21000.25"),
        ask=None,
        last=None,
        change=None,
        age_ns=None,
        stale=True,
        state=TradingState.ACTIVE,
        position_qty=0,
    )
    return View(
        version=1,
        ts=2,
        mode=AccountKind.PRACTICE,
        venue="practice venue",
        practice_time=True,
        session=SessionView("2024-03-08", SessionPhase.RTH, "08:30:00", "15:10"),
        links=(),
        contracts=(contract,),
        books=(),
        positions=(),
        orders=(),
        trades=(),
        alignment={},
        notices=(),
        health=HealthView(ok=True),
    )


class FakeHandle:
    """Draws a new picture a look after the last one, as the engine does; answers commands if it likes to."""

    def __init__(
        self, view: View, *, answers: bool = True, error: PortError | None = None, bars: int = 3
    ) -> None:
        self._view = view
        self._drawn = view
        self._answers = answers
        self._error = error
        self._bars = bars
        self._lock = threading.Lock()
        self.sent: list[AnyCommand] = []

    def view(self) -> View:
        with self._lock:
            shown = self._drawn
            self._drawn = self._view = replace(self._view, version=self._view.version + 1)
            return shown

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        """The same bars on every timeframe, none of an unknown contract."""
        if instrument != "MNQ":
            return None
        return ChartView(instrument, timeframe, (BAR,) * self._bars, None, ())

    def ask(self, command: AnyCommand) -> Future[Notice]:
        self.sent.append(command)
        answer: Future[Notice] = Future()
        if self._error is not None:
            answer.set_exception(self._error)
        elif self._answers:
            with self._lock:
                seq = len(self._view.notices) + 1
                notice = Notice(
                    seq, 0, NoticeKind.COMMAND, Severity.INFO, f"did {command.id}", command_id=command.id
                )
                self._view = replace(self._view, notices=(*self._view.notices, notice))
            answer.set_result(notice)
        return answer

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return [notice for notice in self.view().notices if notice.seq > after_seq]
