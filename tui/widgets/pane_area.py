"""The container of the panes: places them where tui.layout says."""

from __future__ import annotations

from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from tui.layout import Arrangement


class _PlacesLayout(Layout):
    """Children by their id to the rectangle of that name; children without one are not placed."""

    name = "places"

    def __init__(self) -> None:
        self.places: Arrangement = {}

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        placements = []
        for child in children:
            rect = self.places.get(child.id or "")
            if rect is not None:
                region = Region(rect.x, rect.y, rect.width, rect.height)
                placements.append(WidgetPlacement(region, Offset(0, 0), Spacing(), child))
        return placements


class PaneArea(Widget):
    """Holds panes and lines."""

    def __init__(self) -> None:
        super().__init__()
        self._places_layout = _PlacesLayout()

    @property
    def layout(self) -> Layout:
        return self._places_layout

    def place(self, places: Arrangement) -> None:
        """Show the children that the places names, hide the others."""
        if places == self._places_layout.places:
            return
        self._places_layout.places = places
        for child in self.children:
            child.display = child.id in places
            child.refresh(layout=True)
