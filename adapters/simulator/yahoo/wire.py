"""The chart endpoint around the practice market of coins."""

from __future__ import annotations

import json
from collections.abc import Iterable

from aiohttp import web

from adapters.simulator.twins.wire import TwinWire
from adapters.simulator.yahoo.chart import INTERVALS, ChartQuestion, answer_about, refusal, unknown
from engine.model.market import NANOS, Timeframe

_FRAMES = {one.minutes: one for one in Timeframe}


class YahooWire(TwinWire):
    NAME = "yahoo"
    CALLS = ("chart",)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/v8/finance/chart/{symbol}", self.chart)]

    def call_of(self, request: web.Request) -> str:
        return "chart" if request.path.startswith("/v8/finance/chart/") else ""

    async def chart(self, request: web.Request) -> web.Response:
        query = request.query
        exchange = self.exchange
        try:
            start, end = int(query["period1"]) * NANOS, int(query["period2"]) * NANOS
        except (KeyError, ValueError):
            return web.json_response(refusal("Bad Request", "period1 and period2 are needed"), status=400)
        asked = ChartQuestion(request.match_info["symbol"], query.get("interval", "1d"), start, end)
        known = exchange.by_root.get(asked.symbol)
        frame = _FRAMES.get(INTERVALS.get(asked.interval, 0))
        if known is None or frame is None:
            status, body = unknown(asked, listed=known is not None)
            return web.json_response(body, status=status)
        bars = exchange.bars(known.symbol, start, end, frame, forming=True)
        trades = exchange.trades(known.symbol, 1)
        newest = trades[-1].print.ts_venue if trades else bars[-1].open_ts if bars else 0
        going_on = exchange.forming(known.symbol) is not None
        body = answer_about(asked, known, bars, newest, going_on=going_on)
        return web.Response(text=json.dumps(body), content_type="application/json")
