"""The generated market of coins: never closed, and the same for the same seed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, pairwise

from adapters.simulator.market.coins import HISTORY_MINUTES, CoinMarket
from adapters.simulator.market.generated import Past
from engine.model.events import Print, Quote
from engine.model.market import MINUTE
from tests.support.instruments import PERPETUAL, SPOT

INSTRUMENTS = (PERPETUAL, SPOT)
BTC = PERPETUAL.symbol
SATURDAY = int(datetime(2026, 11, 28, 23, 40, tzinfo=UTC).timestamp()) * 1_000_000_000


def some(market: CoinMarket, count: int = 4_000) -> list[Quote | Print]:
    return list(islice(market.events(), count))


def test_the_same_seed_and_time_of_day_give_the_same_market() -> None:
    day = 24 * 60 * MINUTE
    first, later, other = (
        CoinMarket(INSTRUMENTS, seed, SATURDAY + shift) for seed, shift in ((7, 0), (7, day), (8, 0))
    )
    closes = [[bar.close for bar in market.history(BTC)] for market in (first, later, other)]
    assert closes[0] == closes[1] != closes[2]
    prints = [[e.price for e in some(market) if isinstance(e, Print)] for market in (first, later)]
    assert prints[0] == prints[1]


def test_it_is_open_on_a_weekend_and_over_midnight() -> None:
    market = CoinMarket(INSTRUMENTS, 7, SATURDAY, rate=0.2)
    bars = market.history(BTC)
    assert len(bars) == HISTORY_MINUTES
    assert all(after.open_ts == before.close_ts for before, after in pairwise(bars))
    events = some(market, 12_000)
    assert events[-1].ts_venue > SATURDAY + 21 * MINUTE
    assert max(after.ts_venue - before.ts_venue for before, after in pairwise(events)) < MINUTE


def test_prints_are_between_the_quotes_and_quotes_are_not_crossed() -> None:
    seen: dict[str, Quote] = {}
    for event in some(CoinMarket(INSTRUMENTS, 7, SATURDAY)):
        if isinstance(event, Quote):
            assert event.bid is not None
            assert event.ask is not None
            assert 0 < event.bid < event.ask
            seen[event.instrument] = event
        else:
            assert event.size > 0
            if (quote := seen.get(event.instrument)) is not None and quote.bid is not None:
                assert abs(event.price - quote.bid) < quote.bid / 100


def test_a_kept_market_goes_on_at_its_prices() -> None:
    bars = CoinMarket(INSTRUMENTS, 7, SATURDAY).history(BTC)
    past = Past({BTC: bars}, {BTC: bars[-1].close})
    market = CoinMarket((PERPETUAL,), 7, SATURDAY + 10 * MINUTE, past=past)
    assert market.history(BTC)[: len(bars)] == bars
    assert len(market.history(BTC)) == len(bars) + 10
    opens = market.history(BTC)[len(bars)].open
    assert abs(opens - bars[-1].close) <= 1
