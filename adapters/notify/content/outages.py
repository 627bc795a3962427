"""Connections as news: outages that last, and their end. Hubs drop many times a day; a short drop is none."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.notify.content.formats import duration
from adapters.notify.content.message import Message, NewsEvent
from adapters.notify.content.sanitize import sanitize
from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.notices import Severity
from engine.model.view import LinkView, View

OUTAGE_NS = 10 * NANOS
"""An outage is told once it has lasted so long."""
FIRST_NS = 30 * NANOS
"""So long for a connection that has never stood in this run."""


class OutageWatch:
    """Follows each connection from View to View."""

    def __init__(self) -> None:
        self._down_since: dict[str, int] = {}
        self._told: set[str] = set()
        self._stood: set[str] = set()

    def read(self, view: View) -> Iterator[Message]:
        for link in view.links:
            if link.state is LinkState.LIVE:
                since = self._down_since.pop(link.name, view.ts)
                self._stood.add(link.name)
                if link.name in self._told:
                    self._told.discard(link.name)
                    yield _message(view, link, f"is back after {duration(view.ts - since)}", back=True)
                continue
            since = self._down_since.setdefault(link.name, view.ts)
            patience = OUTAGE_NS if link.name in self._stood else FIRST_NS
            if link.name not in self._told and view.ts - since >= patience:
                self._told.add(link.name)
                yield _message(view, link, f"{link.state.value} for {duration(view.ts - since)}", back=False)


def _message(view: View, link: LinkView, said: str, *, back: bool) -> Message:
    return Message(
        event=NewsEvent.STATUS if back else NewsEvent.ERROR,
        severity=Severity.GOOD if back else Severity.WARNING,
        title=sanitize(f"{link.name} link {said}"),
        ts=view.ts,
        mark="✅" if back else "⚠️",
        lines=(sanitize(link.detail),) if link.detail and not back else (),
        key=f"link {link.name} {'back' if back else 'lost'}",
    )
