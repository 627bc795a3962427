"""The container of the panes: places them where tui.layout says."""

from __future__ import annotations

from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from tui.layout import Plan


class _PlanLayout(Layout):
    """Children by their id to the rectangle of that name; children without one are not placed."""

    name = "plan"

    def __init__(self) -> None:
        self.plan: Plan = {}

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        placements = []
        for child in children:
            rect = self.plan.get(child.id or "")
            if rect is not None:
                region = Region(rect.x, rect.y, rect.width, rect.height)
                placements.append(WidgetPlacement(region, Offset(0, 0), Spacing(), child))
        return placements


class Deck(Widget):
    """Holds panes and lines."""

    def __init__(self) -> None:
        super().__init__()
        self._plan_layout = _PlanLayout()

    @property
    def layout(self) -> Layout:
        return self._plan_layout

    def place(self, plan: Plan) -> None:
        """Show the children that the plan names, hide the others."""
        if plan == self._plan_layout.plan:
            return
        self._plan_layout.plan = plan
        for child in self.children:
            child.display = child.id in plan
            child.refresh(layout=True)
