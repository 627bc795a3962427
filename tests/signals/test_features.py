"""Features: the same live and in training, and none of them knows what comes after its close."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import isnan, nan

import msgspec
import pytest

from engine.market.bars import BarsClosed
from engine.model.events import MoodTold, Print
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.opinion import hash_of
from engine.signals import features
from engine.signals.board import SignalBoard
from engine.signals.feature_rows import FeatureRow, Told, rows
from engine.signals.features import HASH, NAMES, Features
from engine.signals.mood import Moods
from tests.market.feed import T0
from tests.signals.markets import minutes, prints_of, run
from tests.signals.shapes import wander

SYMBOLS = ("ES", "GC")
COUNT = 260


def market(seed: int) -> list[Told]:
    """Prints of two contracts, some with an aggressor, and what is told of their mood."""
    chance = random.Random(seed)
    told: list[Told] = []
    for traded in prints_of(minutes(seed, COUNT, SYMBOLS)):
        side = chance.choice((Side.BUY, Side.SELL, None))
        told.append(msgspec.structs.replace(traded, aggressor=side))
        if not len(told) % 150:
            told.append(mood(traded.ts_recv, chance.uniform(-1, 1)))
    return told


def mood(ts: int, score: float, instrument: str = "ES") -> MoodTold:
    return MoodTold(ts_recv=ts, ts_venue=ts, source="news", instrument=instrument, score=score)


def made(events: Sequence[Told], timeframe: Timeframe = Timeframe.M2) -> list[FeatureRow]:
    return list(rows(events, CME_FUTURES, timeframe))


def same(one: FeatureRow, other: FeatureRow) -> bool:
    pairs = zip(one.vector, other.vector, strict=True)
    alike = all(a == b or (isnan(a) and isnan(b)) for a, b in pairs)
    return alike and msgspec.structs.replace(one, vector=()) == msgspec.structs.replace(other, vector=())


def poisoned(events: Sequence[Told], cut_ts: int) -> list[Told]:
    """The same up to an instant, and from then on another market, another mood."""
    found: list[Told] = []
    for event in events:
        if isinstance(event, Bar) or event.ts_recv < cut_ts:
            found.append(event)
        elif isinstance(event, Print):
            side = Side.SELL if event.aggressor is Side.BUY else Side.BUY
            price, size = event.price * 3, event.size * 50
            found.append(msgspec.structs.replace(event, price=price, size=size, aggressor=side))
        elif isinstance(event, MoodTold):
            found.append(msgspec.structs.replace(event, score=-event.score, weight=99.0))
    return found


def test_no_feature_sees_the_future_whether_it_is_missing_or_poisoned() -> None:
    events = market(1)
    whole = made(events)
    assert {row.instrument for row in whole} == set(SYMBOLS)
    assert {row.side for row in whole} == {Side.BUY, Side.SELL}
    for share in (0.45, 0.8):
        cut = T0 + int(COUNT * share) * MINUTE
        known = [row for row in whole if row.ts <= cut]
        late = Print(ts_recv=cut, ts_venue=cut, instrument="ES", price=1, size=1)
        prefix = made([*(e for e in events if not isinstance(e, Bar) and e.ts_recv < cut), late])
        other = [row for row in made(poisoned(events, cut)) if row.ts <= cut]
        assert len(known) > 100
        for told in ([row for row in prefix if row.ts < cut], other):
            assert len(told) >= len(known) - 4
            assert all(map(same, told, known))
    changed = made(poisoned(events, T0 + COUNT // 2 * MINUTE))
    assert not all(map(same, changed, whole)), "else the poison was none"


def test_every_feature_says_something_and_nothing_is_without_bounds() -> None:
    """After four days of history everything but what prints and texts tell; with those nearly everything."""
    past = {"ES": wander(20, 5_800)}
    coming = wander(20, 5_900)[5_800:]
    whole = [*rows(coming, CME_FUTURES, Timeframe.M1, history=past), *made(market(2), Timeframe.M1)]
    columns = dict(zip(NAMES, zip(*(row.vector for row in whole), strict=True), strict=True))
    assert all(len(row.vector) == len(NAMES) for row in whole)
    assert len({row.ts for row in whole}) >= 300
    for name, column in columns.items():
        known = [one for one in column if not isnan(one)]
        assert len(known) >= 100, name
        assert len(set(known)) > 1, name
        assert max(map(abs, known)) <= 500, name


def test_a_short_is_judged_as_the_long_of_the_market_on_its_head() -> None:
    """What has a direction changes its sign with the side; what has none does not."""
    pairs: dict[tuple[int, str], dict[Side, features.Vector]] = {}
    for row in made(market(3), Timeframe.M1):
        pairs.setdefault((row.ts, row.instrument), {})[row.side] = row.vector
    turned = ("move_1", "body", "channel_place", "trend", "flow_1", "vwap_away", "alignment", "mood")
    equal = ("range_atr", "atr_bps", "adx", "volume_20", "hour_sin", "opposing", "mood_weight")
    for both in pairs.values():
        long, short = (dict(zip(NAMES, both[side], strict=True)) for side in Side)
        assert all(isnan(long[name]) or long[name] == -short[name] for name in turned)
        assert all(isnan(long[name]) or long[name] == short[name] for name in equal)
        assert (long["room_ahead"] == short["room_behind"]) or isnan(long["room_ahead"])


def test_live_features_are_those_of_training() -> None:
    """The board of a run that is asked at its closes says what the rows of its prints say."""
    prints = list(prints_of(minutes(4, COUNT, SYMBOLS)))
    whole = {(row.ts, row.instrument): row for row in made(prints, Timeframe.M5) if row.side is Side.BUY}
    live: dict[tuple[int, str], features.Vector] = {}
    readers: list[Features] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        if not readers:
            readers.append(Features(board, CME_FUTURES))
        for bar in closed.bars:
            if bar.timeframe is Timeframe.M5:
                found = readers[0].vector(bar.instrument, Timeframe.M5, Side.BUY, closed.ts)
                if found is not None:
                    live[closed.ts, bar.instrument] = found

    run(minutes(4, COUNT, SYMBOLS), each, warm_up=0)
    both = live.keys() & whole.keys()
    assert len(both) >= 40
    flow = [n for n, name in enumerate(NAMES) if name.startswith("flow")]
    for key in both:
        theirs = [nan if n in flow else one for n, one in enumerate(whole[key].vector)]
        ours = [nan if n in flow else one for n, one in enumerate(live[key])]
        assert str(ours) == str(theirs)


def test_names_and_version_make_the_hash() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert hash_of(NAMES, features.VERSION) == HASH
    assert len({HASH, hash_of(NAMES, features.VERSION + 1), hash_of(NAMES[::-1], features.VERSION)}) == 3


@pytest.mark.parametrize("score", [nan, float("inf"), 1e300])
def test_a_mood_that_cannot_be_counts_for_nothing_or_for_its_bound(score: float) -> None:
    moods = Moods()
    moods.add(mood(T0, score))
    found = moods.reading("ES", T0)
    assert found is None or -1 <= found.score <= 1


def test_a_mood_fades_and_has_a_trend() -> None:
    moods = Moods()
    for hour in range(12):
        moods.add(mood(T0 + hour * 60 * MINUTE, -0.5))
    moods.add(mood(T0 + 12 * 60 * MINUTE, 0.9, ""))
    at = T0 + 12 * 60 * MINUTE
    found = moods.reading("ES", at)
    assert found is not None
    assert -0.5 < found.score < 0.9
    assert found.trend > 0
    assert [one.instrument for one, _, _ in moods.by_source(at)] == ["", "ES"]
    assert moods.reading("GC", at) is not None, "what is told of the market counts for all"
    assert moods.reading("ES", at + 30 * 24 * 60 * MINUTE) is None
