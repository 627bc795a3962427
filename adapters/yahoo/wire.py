"""Answers of the chart endpoint, typed and bounded. Numbers are read exactly, as they stand in the text."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from adapters.common.typed_json import UNREADABLE

MOST_BYTES = 8 << 20
"""Of an answer: sixty days of minutes are a third of it."""
MOST_ROWS = 60_000

Text = Annotated[str, Meta(max_length=500)]
Seconds = Annotated[int, Meta(ge=0, le=1 << 34)]
Number = Decimal | None
Column = Annotated[list[Number], Meta(max_length=MOST_ROWS)]

_BARE = re.compile(rb"(?<=[\[,:])\s*-?(?:Infinity|NaN)(?=\s*[,\]}])")
"""Of prices that can't be told Yahoo writes what JSON does not have."""


class ChartError(ValueError):
    """An answer that makes no sense. Its text names the reason, not the answer."""


class Period(Struct):
    start: Seconds
    end: Seconds


class About(Struct, rename="camel"):
    """About the symbol. Times in seconds UTC."""

    symbol: Text
    currency: Text | None = None
    exchange_name: Text | None = None
    full_exchange_name: Text | None = None
    instrument_type: Text | None = None
    exchange_timezone_name: Text | None = None
    regular_market_time: Seconds = 0
    """Of the newest trade that Yahoo tells, which may be ten minutes old by then."""
    has_pre_post_market_data: bool = False
    data_granularity: Text | None = None
    trading_periods: Any = None
    """Regular ones as a list of lists; with pre and post beside them as an object."""


class Quotes(Struct):
    """One array each, as long as the times."""

    open: Column = []
    high: Column = []
    low: Column = []
    close: Column = []
    volume: Column = []


class ChartColumns(Struct, frozen=True):
    quote: list[Quotes] = []


class Split(Struct):
    date: Seconds
    numerator: Decimal = Decimal(1)
    denominator: Decimal = Decimal(1)


class Happenings(Struct, frozen=True):
    splits: dict[str, Split] = {}


class Result(Struct):
    meta: About
    timestamp: Annotated[list[Seconds | None], Meta(max_length=MOST_ROWS)] | None = None
    """Opens of the bars; missing where there is nothing."""
    indicators: ChartColumns = ChartColumns()
    events: Happenings | None = None


class ErrorWords(Struct):
    """Yahoo's own word on a refusal."""

    code: Text | None = None
    description: Text | None = None


class Chart(Struct):
    result: list[Result] | None = None
    error: ErrorWords | None = None


class ChartAnswer(Struct):
    chart: Chart | None = None
    finance: Chart | None = None
    """In the place of `chart` where the login is at fault."""


_decoder = msgspec.json.Decoder(ChartAnswer)


def read(payload: bytes) -> Chart:
    """Raises ChartError for a page, for half an answer, and for anything else that is no chart."""
    try:
        answer = _decoder.decode(payload)
    except UNREADABLE as first:
        if looks_like_page(payload):
            raise ChartError("a web page instead of prices") from None
        mended = _BARE.sub(b"null", payload)
        if mended == payload:
            raise ChartError(_reason(first)) from None
        try:
            answer = _decoder.decode(mended)
        except UNREADABLE as error:
            raise ChartError(_reason(error)) from None
    chart = answer.chart or answer.finance
    if chart is None:
        raise ChartError("neither prices nor an error")
    return chart


def looks_like_page(payload: bytes) -> bool:
    return payload.lstrip()[:1] == b"<"


def periods(meta: About) -> list[Period]:
    """When the regular session is open, where the answer says so."""
    found = meta.trading_periods
    if isinstance(found, dict):
        found = found.get("regular")
    try:
        days = msgspec.convert(found or [], list[list[Period]])
    except msgspec.ValidationError:
        return []
    return [period for day in days for period in day]


def _reason(error: BaseException) -> str:
    return "not JSON" if isinstance(error, (UnicodeDecodeError, RecursionError)) else str(error)[:200]
