"""The command palette's entries: the action registry once more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, blocked, label_of
from tui.base_app import CockpitApp
from tui.messages import ActionAsked


class ActionProvider(Provider):
    """Every action with its key, what it does, and the reason when it can't be done now."""

    def _entries(self) -> list[tuple[str, str, str]]:
        cockpit = cast("CockpitApp", self.app)
        choice = cockpit.presenter.choice
        entries = []
        for action in ACTIONS.values():
            name = label_of(action, choice.instrument)
            view, book = cockpit.presenter.view, choice.book or None
            if not action.meant(view):
                continue
            reason = blocked(action, view, choice.instrument, choice.readonly, book)
            about = f"not now: {reason}" if reason else action.tooltip
            entries.append((action.id, f"{name}  ({cockpit.keys.shown(action.id)})", about))
        return entries

    def _doing(self, action_id: str) -> Callable[[], object]:
        return partial(self.app.post_message, ActionAsked(action_id))

    async def discover(self) -> Hits:
        for action_id, name, about in self._entries():
            yield DiscoveryHit(name, self._doing(action_id), help=about)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action_id, name, about in self._entries():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), self._doing(action_id), help=about)
