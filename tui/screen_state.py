"""What the screen shows: the View together with what the person in front of it has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from engine.model.chart import AlignmentView, ChartView
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.view import (
    ContractView,
    PositionView,
    View,
)
from tui.view_facts import contract_of


def _no_chart(_instrument: str, _timeframe: Timeframe) -> ChartView | None:
    return None


class ScreenState(Struct, frozen=True):
    """Everything that a pane may draw from. Panes are functions of it and of their size."""

    view: View
    instrument: str = ""
    timeframe: Timeframe = Timeframe.M5
    notices: Sequence[Notice] = ()
    """Kept by the cockpit, so that they outlive the View's window; oldest first."""
    acknowledged: int = -1
    """Sequence number up to which notices have been acknowledged."""
    over: Mapping[str, int] = {}
    """The newest end of each alarm that has ended, by sequence number."""
    logs: Sequence[LogLine] = ()
    """Log lines that pass the filter, oldest first."""
    log_filter: str = ""
    """The filter in words, empty when everything shows."""
    flashes: Mapping[str, int] = {}
    """Contracts whose price just changed: +2 (now) and +1 (a moment ago) for up, negative for down."""
    readonly: bool = False
    slow_note: str = ""
    """That drawing is slow or the picture old, in words; empty when all is well."""
    command_note: str = ""
    """How the last command stands; empty when that is no news."""
    command_failed: bool = False
    """It was refused, or nobody answered."""
    chart_of: Callable[[str, Timeframe], ChartView | None] = _no_chart
    """The engine's charts; None where it has none, or is too busy to draw one."""

    @property
    def contract(self) -> ContractView | None:
        """The contract that is shown."""
        return contract_of(self.view, self.instrument)

    @property
    def chart(self) -> ChartView | None:
        """The chart that is shown, as of now: asked for when a pane draws it, and by no other."""
        return self.chart_of(self.instrument, self.timeframe)

    @property
    def alignment(self) -> AlignmentView | None:
        return self.view.alignment.get(self.instrument)

    @property
    def positions(self) -> tuple[PositionView, ...]:
        """Open positions, those of the badge's kind and of the shown contract first."""
        mode = self.view.mode
        return tuple(
            sorted(
                self.view.positions,
                key=lambda p: (p.kind is not mode, p.instrument != self.instrument),
            )
        )

    def decimals(self, instrument: str) -> int:
        """Digits of a contract's price."""
        contract = contract_of(self.view, instrument)
        return 2 if contract is None else contract.decimals
