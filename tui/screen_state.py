"""What the screen shows: the View together with what the person in front of it has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from engine.model.chart import AlignmentView, ChartView
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.market import USUAL, Timeframe
from engine.model.notices import LogLine, Notice, Severity
from engine.model.view import (
    ContractView,
    PositionView,
    View,
)
from tui import number_format as figures
from tui.books import of_book
from tui.things import AIMED, Thing
from tui.view_facts import contract_of, lot_of

LOUD = (Severity.WARNING, Severity.CRITICAL)
"""Severities that wait to be acknowledged."""


def waits(notice: Notice, acknowledged: int, over: Mapping[str, int]) -> bool:
    """Whether a notice wants to be seen: loud, not acknowledged, and its alarm not ended since. `over` has
    the newest end of each alarm, by sequence number."""
    return notice.severity in LOUD and notice.seq > acknowledged and not is_over(notice, over)


def is_over(notice: Notice, over: Mapping[str, int]) -> bool:
    """Whether its alarm has ended since."""
    return bool(notice.alarm) and over.get(notice.alarm, notice.seq) > notice.seq


def _no_chart(_instrument: str, _timeframe: Timeframe) -> ChartView | None:
    return None


def _no_older(_instrument: str, _timeframe: Timeframe) -> None:
    return None


def aim_of(view: View, instrument: str, book: str, thing: Thing | None) -> tuple[str, str | None]:
    """What `ScreenState.aim` says, of a shown contract, a picked book and a row."""
    picked = book or None
    if thing is None or thing.kind not in AIMED or not thing.instrument:
        return instrument, picked
    return thing.instrument, thing.book if thing.book and len(view.books) > 1 else picked


def _no_depth(_instrument: str) -> DepthView | None:
    return None


def _no_tape(_instrument: str, _timeframe: Timeframe) -> TapeView | None:
    return None


def _no_equity(_book: str) -> EquityHistory | None:
    return None


class ScreenState(Struct, frozen=True):
    """Everything that a pane may draw from. Panes are functions of it and of their size."""

    view: View
    instrument: str = ""
    book: str = ""
    """The picked book, which commands mean; empty for all."""
    timeframe: Timeframe = Timeframe.M5
    notices: Sequence[Notice] = ()
    """Kept by the cockpit, so that they outlive the View's window; oldest first."""
    acknowledged: int = -1
    """Sequence number up to which notices have been acknowledged."""
    over: Mapping[str, int] = {}
    """The newest end of each alarm that has ended, by sequence number."""
    alert_kind: str = ""
    """Which kind of alerts alone shows (tui.rows.messages.ALERT_KINDS); empty for all."""
    logs: Sequence[LogLine] = ()
    """Log lines that pass the filter, oldest first."""
    log_filter: str = ""
    """The filter in words, empty when everything shows."""
    selected: Thing | None = None
    """What the cursor of the focused pane is on: the row that keys mean."""
    pane: str = ""
    """The focused pane, by its name; empty while there is none."""
    filters: Mapping[str, str] = {}
    """Words that rows must hold to be shown, by pane."""
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
    older_of: Callable[[str, Timeframe], None] = _no_older
    """Asks the engine for bars older than those of a chart."""
    depth_of: Callable[[str], DepthView | None] = _no_depth
    tape_of: Callable[[str, Timeframe], TapeView | None] = _no_tape
    """Order books and tapes, for as long as somebody looks at them."""

    equity_of: Callable[[str], EquityHistory | None] = _no_equity
    """The engine's days of a book."""

    @property
    def contract(self) -> ContractView | None:
        """The contract that is shown."""
        return contract_of(self.view, self.instrument)

    @property
    def own(self) -> ScreenState:
        """The same with what is the picked book's alone."""
        view = of_book(self.view, self.book)
        return self if view is self.view else replace(self, view=view)

    @property
    def told(self) -> ScreenState:
        """The same with what was said of the picked book; what of others still wants to be seen stays."""
        if not self.book:
            return self
        kept = [
            n
            for n in self.notices
            if n.book in (self.book, "", None) or waits(n, self.acknowledged, self.over)
        ]
        return replace(self, notices=kept)

    @property
    def aim(self) -> tuple[str, str | None]:
        """The contract and the book (None: all) that keys mean: those of the row under the cursor where rows
        are positions, orders or contracts, else the shown contract and the picked book."""
        return aim_of(self.view, self.instrument, self.book, self.selected)

    @property
    def chart(self) -> ChartView | None:
        """The chart that is shown, as of now: asked for when a pane draws it, and by no other."""
        return self.chart_of(self.instrument, self.timeframe)

    @property
    def timeframes(self) -> tuple[Timeframe, ...]:
        """Those whose agreement is weighed and the shown one, the shortest first."""
        alignment = self.alignment
        weighed = USUAL if alignment is None else {frame.timeframe for frame in alignment.frames}
        return tuple(one for one in Timeframe if one in weighed or one is self.timeframe)

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

    def quantity(self, instrument: str, lots: int) -> str:
        """So many lots of an instrument as people count them, without a sign."""
        return figures.quantity(lots, lot_of(self.view, instrument))

    def decimals(self, instrument: str) -> int:
        """Digits of a contract's price."""
        contract = contract_of(self.view, instrument)
        return 2 if contract is None else contract.decimals
