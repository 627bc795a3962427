"""What feed and broker of one key share at a venue that tells its terms product by product: what is listed,
and how the REST interface stands.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from adapters.common.anomalies import Anomalies
from adapters.common.depth_told import DepthWatch
from adapters.common.json_link import JsonLink, SocketStream, SocketTiming
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import ContractResolved, LinkChanged, LinkState
from engine.model.instrument import Instrument
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)


class KnownProduct(Protocol):
    """An instrument, with whatever an adapter keeps of it besides."""

    @property
    def instrument(self) -> Instrument: ...


class RestUse(Protocol):
    """What is asked of a REST client here."""

    def used(self) -> tuple[int, int]:
        """Requests sent within the last period, and how many it may have."""

    async def close(self) -> None: ...


P = TypeVar("P", bound=KnownProduct)
R = TypeVar("R")
"""A record of terms, as the venue tells them."""


class ListedAccess(ABC, Generic[P, R]):
    """The terms of every product, asked at each connection; sinks that hear how requests are answered."""

    rest: RestUse

    def __init__(
        self,
        venue: str,
        instruments: Iterable[Instrument],
        product: Callable[[Instrument], P],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.clock = clock
        self.rng = rng
        self.anomalies = Anomalies()
        """Records that made no sense, by kind, counted since the start."""
        self.products: Mapping[str, P] = {one.root: product(one) for one in instruments}
        """By the venue's name."""
        self.listed: dict[str, R] = {}
        """The newest terms of each product, by the venue's name."""
        self._venue = venue
        self._by_symbol = {one.instrument.symbol: one for one in self.products.values()}
        self._gone: set[str] = set()
        """What was listed and is not any more."""
        self._resolving = asyncio.Lock()
        self._sinks: list[Sink] = []
        self._told: tuple[LinkState, str] | None = None

    # -- what a venue says for itself ------------------------------------------------------------

    @abstractmethod
    async def _ask(self, root: str) -> R | None:
        """What the venue lists under a name; None where it lists nothing. Raises RetryableError."""

    @abstractmethod
    def _difference(self, row: R, product: P) -> str | None:
        """How the venue disagrees with our instrument; None if it doesn't. Raises ValueError."""

    @abstractmethod
    def _pause(self, row: R) -> str:
        """Why a product takes no entries, in the venue's words; empty if it does."""

    # -- terms ------------------------------------------------------------

    def product(self, symbol: str) -> P:
        """Raises RefusedError for an instrument that is not configured."""
        known = self._by_symbol.get(symbol)
        if known is None:
            raise RefusedError(f"{symbol} is not among the instruments of this venue")
        return known

    async def resolve(self) -> None:
        """Ask for the terms of every product: at each connection, as limits change and products end.

        Raises RetryableError, and FatalError where the venue does not list one or sees its steps otherwise.
        """
        async with self._resolving:
            for root, product in self.products.items():
                await self._resolve(root, product)

    async def ensure(self) -> None:
        """Resolve once, whoever asks first."""
        if len(self.listed) < len(self.products):
            await self.resolve()

    async def _resolve(self, root: str, product: P) -> None:
        symbol = product.instrument.symbol
        row = await self._ask(root)
        if row is None:
            if root not in self.listed:
                raise FatalError(
                    f"the venue lists no {root} ({symbol}): take it out of the instruments, or check its root"
                )
            self._gone.add(root)
            _log.warning("%s: the venue does not list %s any more", self._venue, root)
            return
        self._gone.discard(root)
        try:
            difference = self._difference(row, product)
        except ValueError as error:
            raise RetryableError(f"terms of {root}: {error}") from None
        if difference is not None:
            raise FatalError(f"{symbol} ({root}): {difference}: correct the settings")
        if state := self._pause(row):
            _log.warning("%s: %s takes no entries now (%s)", self._venue, root, state)
        self.listed[root] = row

    def paused(self, root: str) -> str:
        """Why a product takes no entries; empty if it does."""
        row = self.listed.get(root)
        if root in self._gone:
            return "it is not listed any more"
        return "" if row is None else self._pause(row)

    def told(self) -> dict[str, P]:
        """What streams can tell of: a product that has ended takes no others along."""
        return {root: product for root, product in self.products.items() if root not in self._gone}

    # -- connections ------------------------------------------------------------

    async def run_market(
        self,
        sink: Sink,
        url: str,
        stream: Callable[[], SocketStream],
        timing: SocketTiming,
        depth: DepthWatch,
    ) -> None:
        """Keep the market's stream up until cancelled; contracts are announced once, and books of `depth` are
        lost with a connection. Raises FatalError when a product needs a person.
        """
        announced = False

        async def make_stream() -> SocketStream:
            nonlocal announced
            await self.resolve()
            if not announced:
                announced = True
                for root, product in self.products.items():
                    sink(
                        ContractResolved(
                            ts_recv=self.clock(),
                            instrument=product.instrument,
                            contract_id=root,
                            name=root,
                            venue=self._venue,
                        )
                    )
            return stream()

        def report(state: LinkState, detail: str) -> None:
            if state is not LinkState.LIVE:
                depth.lost(sink, "the market connection is down", self.clock(), self._venue)
            sink(
                LinkChanged(
                    ts_recv=self.clock(), link="market", state=state, detail=detail, venue=self._venue
                )
            )

        self.hear(sink)
        try:
            await JsonLink("market", url, make_stream, report, timing, self.rng).run()
        finally:
            await self.leave(sink)

    def hear(self, sink: Sink) -> None:
        """From now on this sink hears how the REST interface stands."""
        self._sinks.append(sink)

    async def leave(self, sink: Sink) -> None:
        """No more; the last one out closes the connections."""
        self._sinks.remove(sink)
        if not self._sinks:
            await self.rest.close()

    def _health(self, ok: bool, text: str) -> None:
        told = (LinkState.LIVE if ok else LinkState.DOWN, text)
        if told == self._told:
            return
        self._told = told
        used, allowed = self.rest.used()
        for sink in self._sinks:
            sink(
                LinkChanged(
                    ts_recv=self.clock(),
                    link="rest",
                    state=told[0],
                    detail=text,
                    venue=self._venue,
                    used=used,
                    allowed=allowed,
                )
            )
