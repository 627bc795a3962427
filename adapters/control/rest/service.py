"""What the handlers of the REST API have at hand: the newest View, charts, and the engine's answers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from adapters.common.fresh_view import fresh_view
from adapters.control.access import AccessLog, Visitor
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.idempotency import UsedKeys
from adapters.control.rest.problem import ApiProblem, Code
from adapters.control.tokens import Token
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.market import Timeframe
from engine.model.notices import Notice
from engine.model.questions import Question, Reply
from engine.model.view import View
from engine.ports import Clock, EngineHandle

log = logging.getLogger(__name__)

FRESH_S = 0.2
"""Who looks gets a View that was drawn at most so long ago: many who look cost the engine one picture."""
_CHART_S = 1.0
_CHARTS_KEPT = 64


class SharedLooks:
    """The newest View and charts, drawn for all who ask at a time together."""

    def __init__(self, handle: EngineHandle) -> None:
        self._handle = handle
        self._view: View | None = None
        self._at = 0.0
        self._drawing: asyncio.Task[View] | None = None
        self._charts: dict[tuple[str, Timeframe], tuple[float, ChartView]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def view(self) -> View:
        if self._view is not None and asyncio.get_running_loop().time() - self._at < FRESH_S:
            return self._view
        if self._drawing is None:
            self._drawing = asyncio.create_task(self._draw())
        return await asyncio.shield(self._drawing)

    async def _draw(self) -> View:
        try:
            self._view = await fresh_view(self._handle)
            self._at = asyncio.get_running_loop().time()
            return self._view
        finally:
            self._drawing = None

    async def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        """None where the engine is too busy to draw it."""
        key = instrument, timeframe
        async with self._one_at_a_time:  # the engine draws it between its events
            now = asyncio.get_running_loop().time()
            known = self._charts.get(key)
            if known is not None and now - known[0] < _CHART_S:
                return known[1]
            chart = await asyncio.to_thread(self._handle.chart, instrument, timeframe)
            if chart is not None:
                self._charts.pop(key, None)
                self._charts[key] = now, chart
                if len(self._charts) > _CHARTS_KEPT:
                    del self._charts[next(iter(self._charts))]
            return chart


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is."""

    token: Token
    visitor: Visitor

    @property
    def source(self) -> str:
        """As commands say who asked."""
        return f"api {self.token.name}"


@dataclass(slots=True)
class ApiService:
    """Everything that outlasts one request."""

    handle: EngineHandle
    config: ApiConfig
    access: AccessLog
    clock: Clock
    """The wall's."""
    keys: UsedKeys
    look: SharedLooks
    wanted: dict[str, frozenset[str]] = field(default_factory=dict)
    """Whose prices the WebSockets of a token get, by its id; all where it has asked for none."""
    counts: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """Requests so far, by method, path of the route and status."""
    live: int = 0
    """WebSockets that are open."""

    async def view(self) -> View:
        return await self.look.view()

    async def ask(self, who: Caller, command: AnyCommand) -> Notice:
        """Hand a command over and give the engine's answer. Raises ApiProblem."""
        try:
            notice = await self.heard(self.handle.ask(command), self.config.answer_s)
        except ApiProblem as problem:
            self.access.commanded(who.visitor, command, f"{problem.code.code}: {problem}")
            raise
        self.access.commanded(who.visitor, command, notice.text)
        return notice

    async def look_up(self, question: Question) -> Reply:
        """Something that changes nothing. Raises ApiProblem where there is no answer."""
        try:
            async with asyncio.timeout(self.config.answer_s):
                return await asyncio.wrap_future(self.handle.look_up(question))
        except RefusedError as error:
            raise ApiProblem(Code.NOT_NOW, f"{error}", "ask again in a second") from None
        except TimeoutError:
            raise ApiProblem(Code.NOT_NOW, "the engine has not answered in time", "ask again") from None

    async def heard(self, answer: Future[Notice], seconds: float) -> Notice:
        """The engine's answer, waited for so long. Raises ApiProblem."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(answer)
        except RefusedError as error:
            raise ApiProblem(Code.NOT_NOW, f"{error}", "look at the engine, then send it again") from None
        except (TimeoutError, UnknownOutcomeError):
            raise unknown() from None


def unknown() -> ApiProblem:
    return ApiProblem(
        Code.UNKNOWN,
        "the engine has the command and has not answered it: it may have been carried out",
        "look at /trading/orders and /positions first; with the same Idempotency-Key nothing is done twice",
    )


def done(notice: Notice) -> Notice:
    """The same, where the engine has carried the command out. Raises ApiProblem."""
    if not notice.done:
        raise ApiProblem(
            Code.REFUSED, notice.text, "change what it names, or wait until it is over; nothing was done"
        )
    return notice


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request, checked."""

    api: ApiService
    who: Caller | None
    """None where it came without a token and may."""
    body: Any = None
    """As the route says."""
    query: Any = None
    path: dict[str, str] = field(default_factory=dict)
    key: str = ""
    """Its Idempotency-Key."""

    @property
    def caller(self) -> Caller:
        assert self.who is not None
        return self.who


class WireAnswer(Struct, frozen=True):
    """An answer as it goes over the wire."""

    status: int
    body: bytes
    replayed: bool = False
    """It was given before."""
