"""What Prometheus reads: each metric declared once, with its place in the View (docs/api.md#metrics)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.control.named_metric import Counts, NamedMetric, Sample, Scraped
from adapters.control.opinion_metrics import OPINION_FIGURES
from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.view import View


def _one(read: Callable[[Scraped], float | int | bool]) -> Callable[[Scraped], Iterable[Sample]]:
    return lambda seen: [((), float(read(seen)))]


_CONTRACT = ("contract",)
_BOOK = ("book", "kind", "currency")
_OF_BOOK = ("book",)


def _books(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        for book in seen.view.books:
            value = getattr(book, name)
            if value is not None:
                yield (book.book, book.kind.value, book.currency), float(value)

    return read


def _prices(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        for one in seen.view.contracts:
            value = getattr(one, name)
            if value is not None:
                yield (one.instrument,), float(value)

    return read


def _ages(seen: Scraped) -> Iterator[Sample]:
    for one in seen.view.contracts:
        if one.age_ns is not None:
            yield (one.instrument,), one.age_ns / NANOS


def _links(seen: Scraped) -> Iterator[Sample]:
    told: dict[tuple[str, ...], float] = {}
    for one in seen.view.links:
        told[one.name, one.venue, one.book] = float(one.state is LinkState.LIVE)
    yield from told.items()


def _requests_used(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        told = {(one.name, one.venue, one.book): getattr(one, name) for one in seen.view.links if one.allowed}
        yield from ((labels, float(value)) for labels, value in told.items())

    return read


def _limits(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        for book in seen.view.books:
            for one in book.limits:
                yield (book.book, one.name, one.unit), float(getattr(one, name))

    return read


def _positions(read_one: Callable[[object], object]) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        sums: dict[tuple[str, ...], float] = {}
        for one in seen.view.positions:
            key = one.book, one.instrument
            sums[key] = sums.get(key, 0.0) + float(read_one(one))  # type: ignore[arg-type]
        yield from sums.items()

    return read


def _working(seen: Scraped) -> Iterator[Sample]:
    counts: dict[tuple[str, ...], float] = {}
    for one in seen.view.orders:
        if one.status.live:
            key = one.book, one.slot.value
            counts[key] = counts.get(key, 0.0) + 1
    yield from counts.items()


def _months(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    def read(seen: Scraped) -> Iterator[Sample]:
        for one in seen.view.performance:
            value = getattr(one, name)
            if value is not None:
                yield (one.book,), float(value)

    return read


def _disk(seen: Scraped) -> Iterator[Sample]:
    if seen.view.health.process is not None:
        yield (), float(seen.view.health.process.disk_free_bytes)


def _bots(name: str) -> Callable[[Scraped], Iterator[Sample]]:
    return lambda seen: (((bot.name,), float(getattr(bot, name))) for bot in seen.view.bots)


def _oddities(seen: Scraped) -> Iterator[Sample]:
    return (((name,), float(count)) for name, count in sorted(seen.view.health.counts.items()))


def _states(seen: Scraped) -> Iterator[Sample]:
    return (((one.instrument,), float(one.state.rank)) for one in seen.view.contracts)


def _requests(seen: Scraped) -> Iterator[Sample]:
    for (method, path, status), count in sorted(seen.counts.items()):
        yield (method, path, f"{status}"), float(count)


FIGURES: tuple[NamedMetric, ...] = (
    NamedMetric(
        "tstream_build_info",
        "The version that runs; always 1.",
        lambda s: [((s.version,), 1.0)],
        ("version",),
    ),
    NamedMetric(
        "tstream_up", "1 while the engine takes commands.", _one(lambda s: not s.view.health.stopped)
    ),
    NamedMetric("tstream_healthy", "1 while nothing is wrong with it.", _one(lambda s: s.view.health.ok)),
    NamedMetric("tstream_uptime_seconds", "Since its start.", _one(lambda s: s.view.uptime_ns / NANOS)),
    NamedMetric(
        "tstream_component_up",
        "1 while a part works: the engine, the journal, a venue, the rooms, the disk.",
        lambda s: (((one.name,), float(one.ok)) for one in s.view.health.components),
        ("component",),
    ),
    NamedMetric("tstream_disk_free_bytes", "Of the journal's disk.", _disk),
    NamedMetric(
        "tstream_event_wait_p99_seconds",
        "How long events have waited in the inbox lately, 99th percentile.",
        _one(lambda s: s.view.health.wait_p99_ms / 1000),
    ),
    NamedMetric("tstream_inbox_events", "Events that wait.", _one(lambda s: s.view.health.inbox)),
    NamedMetric(
        "tstream_events_dropped_total",
        "Quotes that were dropped for newer ones.",
        _one(lambda s: s.view.health.dropped),
        counter=True,
    ),
    NamedMetric(
        "tstream_prints_total", "Market prints taken in.", _one(lambda s: s.view.health.prints), counter=True
    ),
    NamedMetric(
        "tstream_journal_record", "Number of the newest record.", _one(lambda s: s.view.health.journal_seq)
    ),
    NamedMetric(
        "tstream_oddities_total", "Oddities survived, by name.", _oddities, ("oddity",), counter=True
    ),
    NamedMetric("tstream_link_up", "1 while a connection is live.", _links, ("link", "venue", "book")),
    NamedMetric(
        "tstream_link_requests",
        "Requests sent to a venue in its last period, where it counts them.",
        _requests_used("used"),
        ("link", "venue", "book"),
    ),
    NamedMetric(
        "tstream_link_requests_allowed",
        "How many a period may have.",
        _requests_used("allowed"),
        ("link", "venue", "book"),
    ),
    NamedMetric("tstream_price_last", "The last price, price units.", _prices("last"), _CONTRACT),
    NamedMetric("tstream_price_bid", "The bid, price units.", _prices("bid"), _CONTRACT),
    NamedMetric("tstream_price_ask", "The ask, price units.", _prices("ask"), _CONTRACT),
    NamedMetric("tstream_price_age_seconds", "Since the last quote or print.", _ages, _CONTRACT),
    NamedMetric(
        "tstream_price_stale", "1 while prices are too old to trade on.", _prices("stale"), _CONTRACT
    ),
    NamedMetric(
        "tstream_trading_state",
        "0 active, 1 no entries, 2 locked by a limit, 3 halted.",
        _states,
        _CONTRACT,
    ),
    NamedMetric("tstream_balance", "Of an account, closed trades only.", _books("balance_usd"), _BOOK),
    NamedMetric(
        "tstream_day_pnl", "Of the trade date: realized and open, net of costs.", _books("day_usd"), _BOOK
    ),
    NamedMetric("tstream_realized_pnl", "Of the trade date, net of costs.", _books("realized_usd"), _BOOK),
    NamedMetric(
        "tstream_open_pnl", "Of what is held, at what it could be closed for.", _books("open_usd"), _BOOK
    ),
    NamedMetric("tstream_costs", "Of the trade date.", _books("costs_usd"), _BOOK),
    NamedMetric("tstream_day_trades", "Finished trades of the trade date.", _books("trades"), _BOOK),
    NamedMetric("tstream_day_wins", "Those that earned.", _books("wins"), _BOOK),
    NamedMetric(
        "tstream_profit_factor",
        "Of the trade date; absent where nothing was lost.",
        _books("profit_factor"),
        _BOOK,
    ),
    NamedMetric("tstream_max_drawdown", "Of the trade date's P&L.", _books("max_drawdown_usd"), _BOOK),
    NamedMetric(
        "tstream_reconciled", "1 while positions and orders are verified.", _books("reconciled"), _BOOK
    ),
    NamedMetric(
        "tstream_month_net",
        "What the equity gained over the last thirty days.",
        _months("net_usd"),
        _OF_BOOK,
    ),
    NamedMetric("tstream_month_sharpe", "Of the last thirty days.", _months("sharpe"), _OF_BOOK),
    NamedMetric(
        "tstream_drawdown_ratio",
        "How far the equity is below its highest now, as a share of that.",
        _months("drawdown"),
        _OF_BOOK,
    ),
    NamedMetric(
        "tstream_value_at_risk_95",
        "Of a day by the last 250 days, a positive loss.",
        _months("var_95_usd"),
        _OF_BOOK,
    ),
    NamedMetric(
        "tstream_limit_used", "How much of a limit is used.", _limits("used"), ("book", "limit", "unit")
    ),
    NamedMetric("tstream_limit", "The limit.", _limits("limit"), ("book", "limit", "unit")),
    NamedMetric(
        "tstream_position_lots",
        "What is held, lots, signed.",
        _positions(lambda one: one.qty),  # type: ignore[attr-defined]
        ("book", "contract"),
    ),
    NamedMetric(
        "tstream_unprotected_lots",
        "What is held without a working stop, lots.",
        _positions(lambda one: max(0, abs(one.qty) - one.protected_qty)),  # type: ignore[attr-defined]
        ("book", "contract"),
    ),
    NamedMetric(
        "tstream_working_orders", "Orders that stand, by what they are for.", _working, ("book", "slot")
    ),
    NamedMetric(
        "tstream_bot_day_pnl", "Of a bot's trades that closed today, net.", _bots("day_usd"), ("bot",)
    ),
    NamedMetric("tstream_bot_entries", "Trades that a bot has opened today.", _bots("entries"), ("bot",)),
    *OPINION_FIGURES,
    NamedMetric(
        "tstream_api_requests_total",
        "Requests to the API, by route and status.",
        _requests,
        ("method", "path", "status"),
        counter=True,
    ),
    NamedMetric("tstream_api_websockets", "WebSockets that are open.", _one(lambda s: s.live)),
)

PROCESS_NAMES = (
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
)
"""What prometheus-client itself tells of the process, on Linux."""


class ViewCollector(Collector):
    """The figures of one look."""

    def __init__(self, seen: Scraped) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        for figure in FIGURES:
            kind = CounterMetricFamily if figure.counter else GaugeMetricFamily
            family = kind(figure.name, figure.words, labels=figure.labels)
            for labels, value in figure.read(self._seen):
                family.add_metric(labels, value)
            yield family


def exposition(view: View, version: str, counts: Counts, live: int) -> tuple[bytes, str]:
    """The text that Prometheus reads, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ViewCollector(Scraped(view, version, dict(counts), live)))
    ProcessCollector(registry=registry)
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
