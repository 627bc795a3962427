"""What is on stage: the View together with what the person at the screen has chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from engine.model.events import LinkState
from engine.model.market import Timeframe
from engine.model.view import (
    AlignmentView,
    ChartView,
    ContractView,
    LogLine,
    Notice,
    PositionView,
    TradingState,
    View,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a pane may draw from. Panes are functions of it and of their size."""

    view: View
    instrument: str = ""
    timeframe: Timeframe = Timeframe.M5
    notices: Sequence[Notice] = ()
    """Kept by the cockpit, so that they outlive the View's window; oldest first."""
    acknowledged: int = -1
    """Sequence number up to which notices have been acknowledged."""
    logs: Sequence[LogLine] = ()
    """Log lines that pass the filter, oldest first."""
    log_filter: str = ""
    """The filter in words, empty when everything shows."""
    flashes: Mapping[str, int] = field(default_factory=dict)
    """Contracts whose price just changed: +2 (now) and +1 (a moment ago) for up, negative for down."""
    readonly: bool = False
    pace: str = ""
    """The frame rate in words when it is reduced."""
    asked: str = ""
    """How the last command stands."""
    asked_badly: bool = False
    """It was refused, or nobody answered."""

    @property
    def contract(self) -> ContractView | None:
        """The contract that is shown."""
        return contract_of(self.view, self.instrument)

    @property
    def chart(self) -> ChartView | None:
        return self.view.charts.get(self.instrument, {}).get(self.timeframe)

    @property
    def alignment(self) -> AlignmentView | None:
        return self.view.alignment.get(self.instrument)

    @property
    def positions(self) -> tuple[PositionView, ...]:
        """Open positions, those of the shown contract first."""
        return tuple(sorted(self.view.positions, key=lambda p: p.instrument != self.instrument))

    def decimals(self, instrument: str) -> int:
        """Digits of a contract's price."""
        contract = contract_of(self.view, instrument)
        return 2 if contract is None else contract.decimals


def contract_of(view: View, instrument: str) -> ContractView | None:
    """The contract's view, or None while the venue has not named it."""
    return next((c for c in view.contracts if c.instrument == instrument), None)


def link_state(view: View) -> LinkState:
    """The worst of all connections; CONNECTING before there is one."""
    order = (LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING, LinkState.LIVE)
    states = {link.state for link in view.links}
    return next((state for state in order if state in states), LinkState.CONNECTING)


def trading_state(view: View, instrument: str) -> tuple[TradingState, str]:
    """The strictest state over the books and the shown contract, with its reason."""
    state, reason = TradingState.ACTIVE, ""
    for book in view.books:
        if book.state.rank > state.rank:
            state, reason = book.state, book.state_reason
    contract = contract_of(view, instrument)
    if contract is not None and contract.state.rank > state.rank:
        state, reason = contract.state, f"{instrument} only"
    return state, reason


def day_usd(view: View) -> Decimal:
    """P&L of the day over all books, realized and open, USD net of costs."""
    return sum((book.day_usd for book in view.books), Decimal(0))


def limit_share(view: View) -> tuple[float, Decimal] | None:
    """How much of its daily loss limit the most endangered book has used (0..1), and that limit in USD."""
    worst: tuple[float, Decimal] | None = None
    for book in view.books:
        loss_limit = abs(book.daily_loss_limit_usd)
        if loss_limit:
            share = min(1.0, max(0.0, float(-book.day_usd / loss_limit)))
            if worst is None or share > worst[0]:
                worst = (share, loss_limit)
    return worst
