"""One ProjectX venue: a login with its market feed and its broker."""

from __future__ import annotations

import random

from adapters.projectx.access import Access
from adapters.projectx.broker import ProjectXBroker
from adapters.projectx.config import ProjectXConfig, SessionOpen, always_open
from adapters.projectx.feed import ProjectXFeed
from engine.ports import Clock, MarketFeed


class ProjectXVenue(Access):
    """`feed` and `broker` share one login, one rate budget and one table of contracts."""

    def __init__(
        self,
        config: ProjectXConfig,
        clock: Clock,
        *,
        session_open: SessionOpen = always_open,
        rng: random.Random | None = None,
    ) -> None:
        """`session_open` tells when silence of the market is a fault; `rng` spreads reconnects."""
        super().__init__(config, clock, session_open, rng or random.Random())
        self.feed: MarketFeed = ProjectXFeed(self)
        self.broker = ProjectXBroker(self)
