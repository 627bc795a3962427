"""Rules, model and mood together: who is heard, for how long, and what is written down of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from math import nan
from typing import Any

import pytest
from msgspec.structs import replace

from engine.books.forecasts import _result, judged
from engine.core import Core
from engine.lab.training.labels import Labeller
from engine.market.calendars.known import CME
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.decision import Counsel, Opinion, OpinionConfig, OpinionUse, weigh
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Side, Timeframe
from engine.model.notices import Severity
from engine.model.opinion import Barriers, ModelCard
from engine.model.opinion_events import PredictorState
from engine.model.records import encode
from engine.model.refusals import Refusal
from engine.model.sizing import ByConfidence, ByRisk
from engine.signals.features import NAMES
from engine.state.fold import apply
from engine.state.opinions import DRIFT_LIMIT, PageHinkley, PredictionTally
from engine.state.state import State
from tests.market.feed import T0
from tests.signals.shapes import bar, wander
from tests.strategies.scripted import ScriptedStrategy
from tests.support.asked_model import CARD, DECIDES, AskedModel
from tests.support.manual_venue import idea
from tests.support.venue_orders import PRICE


def sure(of: float, **more: Any) -> tuple[AskedModel, list[fx.PlaceOrder]]:
    """An idea of score 8 about which the model says so much."""
    bench = AskedModel(**more)
    bench.answers = lambda question: [bench.predicted(question, of)]
    bench.connect()
    return bench, bench.trade_idea()


def opinion(bench: AskedModel) -> Opinion:
    return bench.written(r.OpinionFormed)[-1].opinion


def test_model_and_rules_decide_together_and_the_plan_says_how() -> None:
    bench, orders = sure(0.75)
    assert len(orders) == 2
    formed = bench.written(r.OpinionFormed)[0]
    told = formed.opinion
    assert (told.counsel, told.model, told.probability, told.missing) == (Counsel.FOR, "first", 0.75, "")
    assert {part.name: part.value for part in told.parts} == {"rules": 0.8, "model": 0.75}
    assert sum(part.weight for part in told.parts) == pytest.approx(1, abs=0.001)
    assert told.confidence == pytest.approx((0.5 * 0.8 + 0.4 * 0.75) / 0.9, abs=0.001)
    assert (formed.bot, formed.score_tenths, formed.samples) == ("scripted", 80, 12_345)
    (plan,) = bench.book.plans.values()
    assert plan.plan.opinion == told
    (question,) = bench.questions
    assert (len(question.features), question.hash, question.side) == (len(NAMES), "h1", Side.BUY)


def test_together_they_are_not_sure_enough_and_the_refusal_says_what_each_said() -> None:
    bench, orders = sure(0.2)
    assert orders == []
    (refused,) = bench.written(r.IdeaRefused)
    assert refused.refusals == (Refusal.CONFIDENCE,)
    assert refused.words[0] == (
        "confidence 0.53 (rules 0.80, model 0.20), at least 0.60 (opinion.least_confidence)"
    )
    assert refused.idea.opinion is not None
    assert refused.idea.opinion.counsel is Counsel.AGAINST


def test_whoever_does_not_answer_within_its_time_is_not_waited_for() -> None:
    bench = AskedModel()
    bench.connect()
    bench.close_minutes()
    asked = bench.now
    assert bench.questions
    assert bench.of(fx.PlaceOrder) == []
    assert bench.core.next_deadline() <= asked + 50_000_000
    bench.now = asked + 49_000_000
    bench.step(ev.TimeAdvanced(ts_recv=bench.now))
    assert bench.of(fx.PlaceOrder) == []
    bench.now = asked + 50_000_000
    bench.step(ev.TimeAdvanced(ts_recv=bench.now))
    assert len(bench.of(fx.PlaceOrder)) == 2
    told = opinion(bench)
    assert (told.counsel, told.confidence) == (Counsel.ALONE, None)
    assert told.missing == "no answer within 50 ms"
    before = len(bench.journal)
    bench.step(bench.predicted(bench.questions[0], 0.01))
    assert len(bench.journal) == before, "an answer that comes too late changes nothing"


@pytest.mark.parametrize("number", [nan, None, 1.5, -0.1])
def test_nonsense_is_no_answer(number: float | None) -> None:
    bench = AskedModel()
    bench.answers = lambda question: [bench.predicted(question, number)]
    bench.connect()
    assert len(bench.trade_idea()) == 2
    assert opinion(bench).counsel is Counsel.ALONE
    assert bench.core.turn.counts["predictions missing"] == 1


def test_an_answer_of_another_model_does_not_count() -> None:
    bench = AskedModel()
    bench.answers = lambda question: [replace(bench.predicted(question, 0.01), hash="h2")]
    bench.connect()
    assert len(bench.trade_idea()) == 2
    assert opinion(bench).missing == "the model was changed meanwhile"


def test_a_worker_that_dies_gives_ideas_back_at_once_and_people_hear_of_it() -> None:
    bench = AskedModel()
    bench.connect()
    bench.close_minutes()
    bench.tell_model(PredictorState.DOWN, "it ended")
    assert len(bench.of(fx.PlaceOrder)) == 2
    (notice,) = [one for one in bench.notices if "worker failed" in one.text]
    assert notice.severity is Severity.WARNING
    assert notice.text == "the model's worker failed: it ended; the rules decide alone until it is back"
    assert bench.core.entries.opinions.missing == 1


@pytest.mark.parametrize("use", list(OpinionUse))
def test_without_a_model_rules_trade_as_ever(use: OpinionUse) -> None:
    bench = AskedModel(card=None, opinion=replace(DECIDES, use=use))
    bench.connect()
    assert len(bench.trade_idea()) == 2
    formed = bench.written(r.OpinionFormed)
    assert len(formed) == (use is not OpinionUse.OFF)
    assert not bench.questions


def test_watching_asks_and_writes_down_and_changes_nothing() -> None:
    bench = AskedModel(opinion=replace(DECIDES, use=OpinionUse.WATCH))
    bench.answers = lambda question: [bench.predicted(question, 0.01)]
    bench.connect()
    assert len(bench.trade_idea()) == 2
    (formed,) = bench.written(r.OpinionFormed)
    assert (formed.opinion.counsel, formed.opinion.probability) == (Counsel.WATCHED, 0.01)
    (plan,) = bench.book.plans.values()
    assert plan.plan.opinion is None
    assert plan.plan.qty == 5


def test_mood_counts_where_it_is_known_and_the_rules_are_alone_with_a_model_that_fails() -> None:
    def mood(bench: AskedModel) -> None:
        bench.step(ev.MoodTold(ts_recv=bench.now, source="news", instrument="MNQ", score=-0.8))

    bench = AskedModel(card=None)
    bench.connect()
    mood(bench)
    bench.trade_idea()
    told = opinion(bench)
    assert {part.name: part.value for part in told.parts} == {"rules": 0.8, "mood": 0.1}
    assert told.counsel is Counsel.FOR
    slow = AskedModel()
    slow.connect()
    mood(slow)
    assert len(slow.trade_idea()) == 2
    assert opinion(slow).counsel is Counsel.ALONE


def told(bench: AskedModel, score: float, age: int = 0, weight: float = 1.0, source: str = "news") -> None:
    now = bench.now
    bench.step(
        ev.MoodTold(
            ts_recv=now, ts_venue=now - age, source=source, instrument="MNQ", score=score, weight=weight
        )
    )


def test_mood_is_written_down_and_known_after_a_restart() -> None:
    bench = AskedModel(card=None)
    bench.connect()
    told(bench, -0.8, age=30 * MINUTE)
    told(bench, 0.4, source="posts")
    view = bench.core.entries.opinions.view()
    again = AskedModel(journal=bench.journal, boot=2, at=bench.now, card=None)
    known = again.core.entries.opinions.view()
    assert view is not None
    assert known is not None
    assert known.moods == view.moods
    assert [(one.source, one.score) for one in known.moods] == [("news", -0.8), ("posts", 0.4)]
    again.connect()
    again.trade_idea()
    assert {part.name for part in opinion(again).parts} == {"rules", "mood"}
    late = AskedModel(journal=bench.journal, boot=2, at=bench.now + 25 * 60 * MINUTE, card=None)
    later = late.core.entries.opinions.view()
    assert later is not None
    assert later.moods == (), "old texts are no mood, whenever the run began"
    told(late, 0.1, source="wires")
    assert list(late.core.state.opinions.moods) == ["MNQ wires"], "nor are they kept"


def test_what_a_source_says_within_a_minute_is_one_record_that_is_there_when_it_is_asked_for() -> None:
    bench = AskedModel(card=None)
    bench.connect()
    for n in range(200):
        bench.now += MINUTE // 50
        told(bench, 0.5 if n % 4 else -0.5, weight=2.0)
    heard = bench.written(r.MoodHeard)
    assert 4 <= len(heard) <= 6
    bench.trade_idea()
    formed = bench.written(r.OpinionFormed)[-1]
    before = [one for one in bench.journal if isinstance(one, r.MoodHeard) and one.ts <= formed.ts]
    assert sum(one.weight for one in before) == pytest.approx(400), "nothing that was told is missing"
    total = sum(one.weight * one.score for one in before)
    assert total == pytest.approx(100, abs=0.1)
    for nonsense in (replace_told(bench, score=nan), replace_told(bench, weight=0.0)):
        bench.step(nonsense)
    bench.wait(120)
    assert sum(one.weight for one in bench.written(r.MoodHeard)) == pytest.approx(400)


def replace_told(bench: AskedModel, **changes: float) -> ev.MoodTold:
    usual = ev.MoodTold(ts_recv=bench.now, source="news", instrument="MNQ", score=0.5)
    return replace(usual, **changes)


def test_where_nobody_asks_for_opinions_no_mood_is_written_down() -> None:
    bench = AskedModel(card=None, opinion=OpinionConfig())
    bench.connect()
    told(bench, 0.5)
    assert bench.written(r.MoodHeard) == []


def test_confidence_sizes_through_the_one_sizer() -> None:
    sizing = ByConfidence(ByRisk(Decimal(110)), least_percent=Decimal(0), most_percent=Decimal(100))
    whys = []
    for probability in (0.55, 0.65, 0.95):
        bench, _ = sure(probability, sizing=sizing, opinion=replace(DECIDES, rules_weight=0.0))
        plans = [found.plan for found in bench.book.plans.values()]
        whys.append((sum(plan.qty for plan in plans), "".join(plan.size_reason for plan in plans)))
    assert whys[0][1] == ""
    assert "65 % of" in whys[1][1]
    assert "95 % of" in whys[2][1]
    assert 0 == whys[0][0] < whys[1][0] < whys[2][0]


def test_shorts_are_refused_where_they_are_not_allowed() -> None:
    bench = AskedModel(idea(Side.SELL), card=None, opinion=OpinionConfig(allow_short=False))
    bench.connect()
    assert bench.trade_idea() == []
    (refused,) = bench.written(r.IdeaRefused)
    assert refused.refusals == (Refusal.SHORTS_OFF,)
    allowed = AskedModel(idea(Side.SELL), card=None, opinion=OpinionConfig())
    allowed.connect()
    assert len(allowed.trade_idea()) == 2


def test_the_model_is_asked_now_and_then_without_an_idea() -> None:
    bench = AskedModel(opinion=replace(DECIDES, use=OpinionUse.WATCH, sample_ns=5 * MINUTE))
    bench.answers = lambda question: [bench.predicted(question, 0.4)]
    bench.connect()
    bench.close_minutes([PRICE + 30 * n for n in range(24)], wait_s=0.2)
    samples = [one for one in bench.written(r.OpinionFormed) if not one.bot]
    assert 3 <= len(samples) <= 5
    assert {one.opinion.counsel for one in samples} == {Counsel.WATCHED}
    scored = bench.written(r.OpinionScored)
    assert scored
    assert {one.ended for one in scored} <= {"target", "stop", "time"}
    tally = bench.core.state.opinions.models["h1"]
    assert tally.count == len(scored)
    assert tally.hits == sum(one.ended == "target" for one in scored)


def formed(side: Side = Side.BUY) -> r.OpinionFormed:
    told = Opinion("o1-1", Counsel.WATCHED, model="first", probability=0.6, expected_r=0.2)
    return r.OpinionFormed(
        ts=T0, opinion=told, instrument="ES", side=side, closed_ts=T0, hash="h1", reference=1000,
        stop_ticks=10, target_ticks=15, until_ts=T0 + 5 * MINUTE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("n", "side", "prices", "ended"),
    [
        (1, Side.BUY, (1000, 1015, 991, 1005), None),  # touched, not passed
        (1, Side.BUY, (1000, 1016, 995, 1005), ("target", 1015)),
        (0, Side.BUY, (1000, 1016, 995, 1005), None),  # the minute of the entry
        (0, Side.BUY, (1000, 1001, 990, 1000), ("stop", 989)),
        (1, Side.BUY, (1000, 1020, 990, 1005), ("stop", 989)),
        (1, Side.BUY, (980, 1020, 975, 1005), ("stop", 979)),
        (1, Side.SELL, (1000, 1009, 984, 1000), ("target", 985)),
        (1, Side.SELL, (1020, 1021, 985, 1000), ("stop", 1021)),
        (4, Side.BUY, (1000, 1004, 996, 1003), ("time", 1002)),
        (3, Side.BUY, (1000, 1004, 996, 1003), None),
    ],
)
def test_barriers_end_a_prediction_as_they_do_in_training(
    n: int, side: Side, prices: tuple[int, int, int, int], ended: tuple[str, int] | None
) -> None:
    assert judged(formed(side), bar(n, *prices)) == ended


def test_outcomes_are_those_of_the_labels_of_training() -> None:
    """The same minutes, barriers and costs give the same end and the same result."""
    barriers, mnq = Barriers(stop_atr=1.5, target_r=1.5, bars=20), CME_FUTURES["MNQ"]
    seen = set()
    for seed in range(6):
        bars = wander(seed, 200, instrument="MNQ", start=PRICE)
        labeller = Labeller(mnq, bars, CME, barriers)
        for n, side in product(range(5, 170, 7), Side):
            ts = bars[n].open_ts
            label = labeller.label(ts, Timeframe.M5, side, 20.0)
            told = replace(
                formed(side), closed_ts=ts, reference=bars[n].open + side.sign, stop_ticks=30,
                target_ticks=45, until_ts=ts + 20 * Timeframe.M5.nanos,
            )  # fmt: skip
            ends = (judged(told, one) for one in bars[n:])
            found = next((end for end in ends if end is not None), None)
            if label is None or found is None:
                assert label is None
                assert found is None
                continue
            seen.add(found[0])
            assert found[0] == label.how
            assert _result(told, found[1], mnq) == pytest.approx(label.result_r, abs=1e-4)
    assert seen == {"target", "stop", "time"}


def test_a_restart_finds_what_has_become_of_predictions_meanwhile() -> None:
    bench, _ = sure(0.75)
    waiting = bench.core.state.opinions.waiting
    assert len(waiting) == 1
    (one,) = waiting.values()
    again = AskedModel(journal=bench.journal, boot=2, at=bench.now + 8 * MINUTE)
    assert again.core.state.opinions.waiting == waiting
    assert again.core.state.opinions.predictor is None, "this run's worker has said nothing"
    super(AskedModel, again).connect()
    first = one.closed_ts // MINUTE - T0 // MINUTE
    up = one.reference + one.target_ticks + 5
    bars = [bar(first + n, PRICE, PRICE + 1, PRICE - 1, PRICE, instrument="MNQ") for n in range(8)]
    bars[3] = bar(first + 3, PRICE, up, PRICE - 1, PRICE, instrument="MNQ")
    again.step(ev.HistoryLoaded(ts_recv=again.now, instrument="MNQ", bars=tuple(bars)))
    again.close_minutes()
    scored = again.written(r.OpinionScored)
    assert [(one.id, one.ended) for one in scored] == [(one.opinion.id, "target")]
    assert scored[0].r is not None
    assert 0 < scored[0].r < 1.2, "net of costs"


def test_a_roll_of_the_month_leaves_a_prediction_unknown() -> None:
    bench, _ = sure(0.75)
    contract = ev.ContractResolved(
        ts_recv=bench.now, instrument=CME_FUTURES["MNQ"], contract_id="y", name="MNQY"
    )
    bench.step(contract)
    bench.close_minutes()
    (scored,) = bench.written(r.OpinionScored)
    assert (scored.ended, scored.r) == ("unknown", None)
    assert bench.core.state.opinions.models["h1"].count == 0


def test_what_was_heard_gives_the_same_journal_again_with_its_predictions() -> None:
    """The tape of a run with a model, slow at times, played into another core without any model."""
    bench = AskedModel(*[idea(targets=(80,))] * 3)
    answers = iter([0.75, None, 0.2])

    def some(question: fx.AskPrediction) -> Sequence[ev.AnyEvent]:
        number = next(answers, None)
        return () if number is None else [bench.predicted(question, number)]

    bench.answers = some
    bench.connect()
    for n in range(3):
        told(bench, 0.1 * n)
        told(bench, -0.2, source="posts")
        bench.close_minutes([PRICE] * 3, wait_s=1.2)
        bench.obey(1.0)
    assert {one.opinion.counsel for one in bench.written(r.OpinionFormed)} >= {Counsel.FOR, Counsel.ALONE}
    config = bench.core.config
    assert isinstance(config, EngineConfig)
    script = [(T0 + 3 * n * MINUTE, idea(targets=(80,))) for n in range(3)]
    other = Core(config, ScriptedStrategy(script, relative=True), State())
    played = [*map(encode, other.start(T0)[0])]
    for event in bench.heard:
        played += map(encode, other.step(event)[0])
    assert played == [encode(record) for record in bench.journal]


def test_the_fold_of_the_records_is_the_state() -> None:
    bench, _ = sure(0.75)
    told(bench, 0.3)
    assert bench.core.state.opinions.moods
    state = State()
    for record in bench.journal:
        apply(state, r.decode(encode(record)))
    assert state.opinions == bench.core.state.opinions


def test_weights_of_who_is_silent_go_to_the_others() -> None:
    parts, confidence = weigh({"rules": 0.8, "mood": 0.2}, OpinionConfig(OpinionUse.DECIDE))
    assert [round(part.weight, 3) for part in parts] == [0.833, 0.167]
    assert confidence == pytest.approx(0.7)
    assert weigh({"rules": 0.8}, OpinionConfig(rules_weight=0)) == ((), None)
    assert weigh({}, OpinionConfig()) == ((), None)


@pytest.mark.parametrize(
    ("probability", "says"), [(0.4, 0.5), (1.0, 1.0), (0.0, 0.0), (0.7, 0.75), (0.2, 0.25)]
)
def test_a_probability_speaks_from_where_such_trades_break_even(probability: float, says: float) -> None:
    card = ModelCard("m", 1, "h", mean_win_r=1.5, mean_loss_r=-1.0)
    assert card.conviction(probability) == pytest.approx(says)
    assert card.expected_r(0.4) == pytest.approx(0)


def test_an_error_that_rises_is_drift_and_one_that_stays_is_none() -> None:
    steady, rising = PageHinkley(), PageHinkley()
    assert not any(steady.add(0.24 + 0.05 * (-1) ** n) for n in range(2_000))
    found = [n for n in range(600) if rising.add(0.24 if n < 300 else 0.40)]
    assert found
    assert found[0] >= 300
    assert found[0] < 300 + 3 * DRIFT_LIMIT / 0.1


def test_a_tally_knows_how_far_words_and_outcomes_are_apart() -> None:
    tally = PredictionTally("m")
    for n in range(100):
        tally.add(0.35, 0.1, n % 2 == 0, 1.0 if n % 2 == 0 else -1.0, T0)
    assert tally.calibration_error == pytest.approx(0.15)
    assert tally.brier == pytest.approx((0.65**2 + 0.35**2) / 2)
    assert (tally.count, tally.hits, sum(one.count for one in tally.bins)) == (100, 50, 100)


def test_a_model_of_closes_that_nobody_else_looks_at_is_asked_as_if_they_had_always_been_folded() -> None:
    """Bots hear nothing of them."""

    def played(*, always: bool) -> AskedModel:
        bench = AskedModel(*[idea()] * 3, card=replace(CARD, timeframe=Timeframe.M2))
        bench.answers = lambda question: [bench.predicted(question, 0.75)]
        if always:
            bench.core.market.fold(Timeframe.M2)
        bench.connect()
        assert not any(one.hears_all for one in bench.core.entries.bots.all)
        bench.close_minutes([PRICE + 3 * n for n in range(9)], wait_s=0.2)
        return bench

    later, always = played(always=False), played(always=True)
    assert {one.opinion.missing for one in later.written(r.OpinionFormed)} == {""}
    assert len(later.questions) == 3
    assert str(later.questions) == str(always.questions)
    off = AskedModel(card=replace(CARD, timeframe=Timeframe.M2), opinion=OpinionConfig())
    off.connect()
    assert Timeframe.M2 not in off.core.market.bars.timeframes, "nobody is asked"


def test_a_model_of_several_closes_is_asked_with_those_before_as_in_training() -> None:
    """What was asked at the closes before is the past of the next question; a pause shortens it."""
    window = 4
    bench = AskedModel(opinion=replace(DECIDES, use=OpinionUse.WATCH, sample_ns=MINUTE))
    bench.card = replace(CARD, window=window)
    bench.connect()
    bench.close_minutes([PRICE + 30 * n for n in range(12)], wait_s=0.2)
    asked = {one.request: one for one in bench.questions}
    assert len(asked) >= 8
    newest, before = list(asked.values())[-1], list(asked.values())[-window:-1]
    assert str(newest.past) == str(tuple(one.features for one in before))
    known = [len(one.past) for one in bench.questions]
    assert (known[0], known[-1]) == (0, window - 1)
    assert known == sorted(known), "each close adds one until the window is full"
    bench.now += 10 * MINUTE
    bench.close_minutes([PRICE] * 3, wait_s=0.2)
    assert len(bench.questions[-1].past) < window - 1, "by the clock it is too long ago"
    plain = AskedModel(opinion=replace(DECIDES, use=OpinionUse.WATCH, sample_ns=MINUTE))
    plain.connect()
    plain.close_minutes([PRICE + 30 * n for n in range(6)], wait_s=0.2)
    assert {one.past for one in plain.questions} == {()}
