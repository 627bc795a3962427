"""Watches what people should hear of without looking: drawdown, volatility, and parts that have failed.

It tells by events, each once: the same again only after it was over, and then not within RATE_S.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from engine.core import Core
from engine.model.events import LinkChanged, LinkState, RiskTold
from engine.model.view_performance import ComponentView, PerformanceView, ProcessView
from engine.model.watch import Watched, WatchLimits

log = logging.getLogger(__name__)

LOOK_S = 1.0
RATE_S = 900.0
"""Of one thing nothing new is told within so long, however often it comes and goes; that it is over is."""
EASE = 0.9
"""A figure is over once it is below so much of its limit: no flapping at its edge."""
_MB = 1_000_000

Fault = Callable[[], str]


class Watch:
    """Belongs to the engine's loop. Times that it measures are real ones."""

    def __init__(
        self, core: Core, limits: WatchLimits, now: Callable[[], int], tell: Callable[[RiskTold], None]
    ) -> None:
        self.limits = limits
        """May be replaced while it runs."""
        self.process: ProcessView | None = None
        """What was measured last, by whoever may ask the machine."""
        self._core, self._now, self._tell = core, now, tell
        self._beside: dict[str, str] = {}
        self._failed: dict[str, float] = {}
        """Since when each component is failed, by the loop's clock."""
        self._since: dict[str, tuple[bool, int]] = {}
        self._told: dict[tuple[Watched, str], float] = {}
        """When each was told last, by the loop's clock."""
        self._stands: set[tuple[Watched, str]] = set()

    def beside(self, name: str, fault: str) -> None:
        """What runs beside the engine tells what is wrong with it; empty where nothing is."""
        self._beside[name] = fault

    async def run(self, trouble: Fault) -> None:
        """Look again and again. `trouble` says what is wrong with the engine itself."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.look(self.components(trouble()), asyncio.get_running_loop().time())
            except Exception:
                # It only tells: a bug in it is logged, and money goes on.
                log.exception("components can't be looked at")

    # --- components ------------------------------------------------------------------------------------

    def components(self, trouble: str) -> tuple[ComponentView, ...]:
        """Everything that has to work, as it is now."""
        journal = "" if self._core.entries.journal_ok else "it can't be written"
        found = [("engine", "" if journal else trouble), ("journal", journal)]
        found += _links(link for link, *_ in self._core.links.all())
        failed = [f"{name}: {fault}" for name, fault in self._beside.items() if fault]
        if self._beside:
            found.append(("services", "; ".join(failed)))
        if self.process is not None:
            free = self.process.disk_free_bytes
            little = self.limits.disk_free_mb * _MB > 0 and free < self.limits.disk_free_mb * _MB
            found.append(("disk", f"{free // _MB} MB left" if little else ""))
        return tuple(self._one(name, fault) for name, fault in found)

    def _one(self, name: str, fault: str) -> ComponentView:
        ok, now = not fault, self._now() + self._core.turn.wall_offset
        if name not in self._since or self._since[name][0] is not ok:
            self._since[name] = ok, now
        return ComponentView(name, ok, fault, self._since[name][1])

    def look(self, components: Iterable[ComponentView], now: float) -> None:
        """Tell of those that have failed for too long, and of their return; `now` is the loop's clock."""
        for one in components:
            if one.ok:
                self._failed.pop(one.name, None)
                self._over(Watched.COMPONENT, one.name, 0.0, 0.0)
                continue
            lasted = now - self._failed.setdefault(one.name, now)
            limit = self.limits.component_ns / 1e9
            if lasted >= limit:
                self._begun(Watched.COMPONENT, one.name, lasted, limit, now, one.detail)

    # --- figures ---------------------------------------------------------------------------------------

    def figures(self, book: PerformanceView) -> None:
        """Look at a book's new figures."""
        now = asyncio.get_running_loop().time()
        for what, value, percent in (
            (Watched.DRAWDOWN, book.drawdown, self.limits.drawdown_percent),
            (Watched.VOLATILITY, book.volatility, self.limits.volatility_percent),
        ):
            limit = float(percent) / 100
            if value is None or not limit or value < EASE * limit:
                self._over(what, book.book, value or 0.0, limit)
            elif value >= limit:
                self._begun(what, book.book, value, limit, now)

    def _begun(
        self, what: Watched, about: str, value: float, limit: float, now: float, detail: str = ""
    ) -> None:
        key = what, about
        if key in self._stands or now - self._told.get(key, -RATE_S) < RATE_S:
            return
        self._stands.add(key)
        self._told[key] = now
        self._say(what, about, value, limit, detail, over=False)

    def _over(self, what: Watched, about: str, value: float, limit: float) -> None:
        if (what, about) in self._stands:
            self._stands.discard((what, about))
            self._say(what, about, value, limit, "", over=True)

    def _say(self, what: Watched, about: str, value: float, limit: float, detail: str, *, over: bool) -> None:
        self._tell(
            RiskTold(
                ts_recv=self._now(),
                what=what,
                about=about,
                value=value,
                limit=limit,
                detail=detail,
                over=over,
            )
        )


def _links(links: Iterable[LinkChanged]) -> list[tuple[str, str]]:
    """Of each venue, and of the rooms, what is wrong with its connections."""
    found: dict[str, list[str]] = {}
    for link in links:
        owner = link.venue or ("rooms" if link.link == "discord" else "venue")
        wrong = found.setdefault(owner, [])
        if link.state is LinkState.DOWN:
            whose = f" of {link.book}" if link.book else ""
            wrong.append(f"{link.link}{whose} is down{f': {link.detail}' if link.detail else ''}")
    return [(owner, "; ".join(wrong)) for owner, wrong in found.items()]
