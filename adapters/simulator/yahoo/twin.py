"""Yahoo on loopback: the chart endpoint, cookie and crumb, and every way in which it fails."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from adapters.simulator.yahoo.chart import ChartQuestion, ToldMarket, refusal
from engine.model.market import NANOS
from engine.ports import Clock, MarketSource

CRUMB = "aBcD/1.eFg"
COOKIE = "A3"


class YahooFault(StrEnum):
    """What one answer, or some in a row, can have wrong with it."""

    LIMITED = "limited"
    """429 with a text that is no JSON."""
    EMPTY = "empty"
    """No times and no prices, as of a market that was closed."""
    NULLS = "nulls"
    """Every third row without prices."""
    NOT_A_NUMBER = "not a number"
    """A price that JSON can't tell, written all the same."""
    PAGE = "page"
    """A web page with status 200."""
    CUT = "cut"
    """Half of the answer."""
    SHORT = "short"
    """One column with a row less."""
    DISORDER = "disorder"
    """Rows out of order, and one of them twice."""
    BUSY = "busy"
    """503, with a page."""
    CONSENT = "consent"
    """A redirect to where a person is asked about cookies."""
    CRUMB = "crumb"
    """401 until a crumb comes along."""
    HANG = "hang"
    """No answer."""
    DROP = "drop"
    """The connection ends."""
    CLOSED = "closed"
    """An error that says that there was nothing at that time."""
    GONE = "gone"
    """404: it may be delisted."""
    OTHER = "other"
    """The answer is about another symbol."""


class YahooTwin:
    """`async with YahooTwin(source, clock, names) as twin: ... twin.url`. Tells what happened `delay_ns` ago.

    Raises OSError when the port is taken.
    """

    def __init__(
        self,
        source: MarketSource,
        clock: Clock,
        names: Mapping[str, str],
        *,
        delay_ns: int = 0,
        zone: str = "America/New_York",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.told = ToldMarket(source, names, zone)
        self.delay_ns = delay_ns
        self.retry_after: str | None = None
        """With a 429; Yahoo as a rule names no time."""
        self.asked: list[ChartQuestion] = []
        self.agents: list[str] = []
        self._clock = clock
        self._faults: deque[YahooFault] = deque()
        self._host, self._port = host, port
        app = web.Application()
        app.router.add_get("/v8/finance/chart/{symbol}", self._chart)
        app.router.add_get("/v1/test/getcrumb", self._crumb)
        app.router.add_get("/", self._cookie)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    def arm(self, *faults: YahooFault) -> None:
        """The next answers have these, one each."""
        self._faults.extend(faults)

    async def _chart(self, request: web.Request) -> web.StreamResponse:
        now = self._clock() - self.delay_ns
        self.told.advance(now)
        query = request.query
        asked = ChartQuestion(
            request.match_info["symbol"],
            query.get("interval", "1d"),
            int(query["period1"]) * NANOS,
            int(query["period2"]) * NANOS,
        )
        self.asked.append(asked)
        self.agents.append(request.headers.get("User-Agent", ""))
        fault = self._faults.popleft() if self._faults else None
        if fault is YahooFault.CRUMB and query.get("crumb") == CRUMB and COOKIE in request.cookies:
            fault = None
        status, body = self.told.answer(asked, now)
        if fault is not None and (answer := await self._instead(fault, request)) is not None:
            return answer
        if status == 200 and fault is not None:
            _spoil(body["chart"]["result"][0], fault)
        text = json.dumps(body)
        if fault is YahooFault.CUT:
            text = text[: len(text) // 2]
        return web.Response(text=text, status=status, content_type="application/json")

    async def _instead(self, fault: YahooFault, request: web.Request) -> web.Response | None:
        """The answer in the place of prices, where a fault has one."""
        match fault:
            case YahooFault.LIMITED:
                headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
                return web.Response(text="Too Many Requests\r\n", status=429, headers=headers)
            case YahooFault.PAGE:
                return web.Response(text="<html><h1>Will be right back</h1></html>", content_type="text/html")
            case YahooFault.BUSY:
                return web.Response(text="<html>503</html>", status=503, content_type="text/html")
            case YahooFault.CONSENT:
                where = "https://consent.yahoo.com/v2/collectConsent?sessionId=1"
                return web.Response(status=302, headers={"Location": where})
            case YahooFault.CRUMB:
                self._faults.appendleft(fault)  # until one comes
                wrong = {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}
                return web.json_response({"finance": wrong}, status=401)
            case YahooFault.GONE:
                return web.json_response(
                    refusal("Not Found", "No data found, symbol may be delisted"), status=404
                )
            case YahooFault.CLOSED:
                words = "Data doesn't exist for startDate = 1, endDate = 2"
                return web.json_response(refusal("Bad Request", words), status=400)
            case YahooFault.HANG:
                await asyncio.sleep(3600)
            case YahooFault.DROP:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
        return None

    async def _crumb(self, request: web.Request) -> web.Response:
        if COOKIE not in request.cookies:
            return web.Response(text="", status=401)
        return web.Response(text=CRUMB)

    async def _cookie(self, request: web.Request) -> web.Response:
        """An error page, as Yahoo's is, and the cookie."""
        answer = web.Response(text="<html>404</html>", status=404, content_type="text/html")
        answer.set_cookie(COOKIE, "d=1")
        return answer


def _spoil(result: dict[str, Any], fault: YahooFault) -> None:
    quote = result["indicators"]["quote"][0]
    times = result.get("timestamp", [])
    match fault:
        case YahooFault.EMPTY:
            result.pop("timestamp", None)
            result["indicators"]["quote"] = [{}]
        case YahooFault.NULLS:
            for column in quote.values():
                column[::3] = [None] * len(column[::3])
        case YahooFault.NOT_A_NUMBER:
            if quote:
                quote["close"][0] = float("inf")
                quote["open"][-1] = float("nan")
        case YahooFault.SHORT:
            if quote:
                quote["high"].pop()
        case YahooFault.DISORDER:
            for column in (times, *quote.values()):
                column.append(column[0])
                column.reverse()
        case YahooFault.OTHER:
            result["meta"]["symbol"] = "SOMETHING=F"
