"""History: closed bars by the charts' REST interface, page by page (docs/protocols/kraken.md#candles)."""

from __future__ import annotations

import asyncio

from adapters.common.anomalies import Anomalies
from adapters.common.http_calls import KIB, HttpCall, HttpCaller
from adapters.common.typed_json import UNREADABLE
from adapters.kraken import mapping
from adapters.kraken.config import KrakenConfig
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.v1_wire import ChartPage, V1Instruments, read_chart, read_v1_instruments
from adapters.kraken.wire import KrakenWireError
from engine.model.errors import RefusedError, RetryableError
from engine.model.market import NANOS, Bar, Timeframe

RESOLUTIONS = {
    Timeframe.M1: "1m",
    Timeframe.M5: "5m",
    Timeframe.M15: "15m",
    Timeframe.M30: "30m",
    Timeframe.H1: "1h",
    Timeframe.H4: "4h",
}
"""What the charts have; everything else is folded from the minutes."""
_MOST_PAGES = 60
"""Of 2,000 bars each: 83 days of minutes."""
_ROWS_AT_ONCE = 250
"""Mapped in pieces, so that nothing else on the loop waits for it."""


class Charts:
    """Public REST: candles, and the products as the old interface lists them."""

    def __init__(self, config: KrakenConfig, http: HttpCaller, anomalies: Anomalies) -> None:
        self._config = config
        self._http = http
        self._anomalies = anomalies

    async def bars(
        self, symbol: str, grid: ProductGrid, start: int, end: int, timeframe: Timeframe
    ) -> list[Bar]:
        """Bars that open in [start, end), ns UTC, oldest first; the running one may be the last.

        Raises RetryableError, RefusedError.
        """
        resolution = RESOLUTIONS.get(timeframe)
        if resolution is None:
            return []
        found: dict[int, Bar] = {}
        begin = start // NANOS
        for _ in range(_MOST_PAGES):
            page = await self._page(symbol, resolution, begin, -(-end // NANOS))
            for number, row in enumerate(page.candles, 1):
                try:
                    bar = mapping.candle(row, grid, timeframe)
                except KrakenWireError as error:
                    self._anomalies.note("candle", error, symbol)
                    continue
                if start <= bar.open_ts < end:
                    found[bar.open_ts] = bar
                if number % _ROWS_AT_ONCE == 0:
                    await asyncio.sleep(0)
            newest = max((row.time for row in page.candles), default=0) // 1000
            if not page.more_candles or newest < begin:
                break
            begin = newest + 1
        return [found[at] for at in sorted(found)]

    async def instruments(self) -> V1Instruments:
        """Raises RetryableError, RefusedError."""
        body = await self._get("instruments", "/derivatives/api/v3/instruments")
        try:
            answer = read_v1_instruments(body)
        except UNREADABLE as error:
            raise RetryableError(f"instruments: an answer that can't be read ({str(error)[:80]})") from None
        if answer.result != "success":
            raise RetryableError("instruments: the venue gives none")
        return answer

    async def _page(self, symbol: str, resolution: str, begin: int, end: int) -> ChartPage:
        path = f"/api/charts/v1/trade/{symbol}/{resolution}?from={begin}&to={end}"
        body = await self._get(f"history of {symbol}", path)
        try:
            return read_chart(body)
        except UNREADABLE as error:
            raise RetryableError(
                f"history of {symbol}: an answer that can't be read ({str(error)[:80]})"
            ) from None

    async def _get(self, name: str, path: str) -> bytes:
        timing = self._config.timing
        url = self._config.futures_url.rstrip("/") + path
        call = HttpCall(
            name, "GET", url, {"Accept": "application/json"}, limit_s=timing.read_s, most_bytes=8192 * KIB
        )
        answer = await self._http.send(call)
        if answer.status == 200:
            return answer.body
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            raise RefusedError(f"{name}: HTTP {answer.status}", answer.status)
        raise RetryableError(f"{name}: HTTP {answer.status}")
