"""An engine as the control socket sees it: a View that grows, and answers to commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.control.server import ControlServer
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.errors import PortError
from engine.model.market import Bar, Timeframe
from engine.model.notices import Notice, NoticeKind
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.view import ContractView, HealthView, SessionPhase, SessionView, View
from tests.support.fake_engine import FakeEngine

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


class FakeHandle(FakeEngine):
    """Draws a new picture a look after the last one, as the engine does; the same bars on every timeframe."""

    def __init__(
        self, view: View, *, answers: bool = True, error: PortError | None = None, bars: int = 3
    ) -> None:
        super().__init__(view, answers=answers, error=error)
        self._drawn = view
        self._bars = bars

    def view(self) -> View:
        with self._lock:
            shown = self._drawn
            self.show()
            self._drawn = self._view
            return shown

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        if instrument != "MNQ":
            return None
        return ChartView(instrument, timeframe, (BAR,) * self._bars, None, ())

    def obey(self, command: AnyCommand) -> Notice:
        return self.tell(NoticeKind.COMMAND, f"did {command.id}", command_id=command.id)


@asynccontextmanager
async def serving(handle: FakeHandle, path: Path, **more: Any) -> AsyncIterator[ControlServer]:
    server = ControlServer(handle, path, **more)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
