"""Find in sample, test out of sample, analyse by walking forward (docs/discovery.md#find-test-analyse).

Each step takes what the one before it wrote down and adds to it; the first never sees the time that the
second tests in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import variance

from msgspec.structs import replace

from engine.lab.edges.analysis import Analysis, Edge, Stage, WalkForward
from engine.lab.edges.candidates import Candidate, EdgeFigures, Trials, figures, misses
from engine.lab.edges.outcomes import EntryOutcome
from engine.lab.edges.rules import EdgeRules
from engine.lab.overfitting import backtest_overfitting, deflated_sharpe, sums
from engine.lab.significance import Chance, benjamini_hochberg, holm, sign_flip_p
from engine.lab.splits import decided_in, even_bounds, known_before, walk_forward

_COMPARED = 200
"""Most candidates of the cross-validation, those with the most trades: its work grows with their number."""

Bounds = tuple[int, int]


def split_ts(trials: Trials, rules: EdgeRules) -> int:
    """Where the time that is searched ends, nanoseconds UTC."""
    return trials.start_ts + round((trials.end_ts - trials.start_ts) * rules.in_sample_share)


def search(trials: Trials, rules: EdgeRules, blank: Analysis, chance: Callable[[], Chance]) -> Analysis:
    """All three steps. `chance` makes a generator for each, always the same one."""
    tested = test(find(trials, rules, blank), trials, rules, chance())
    return analyse(tested, trials, rules, chance())


def find(trials: Trials, rules: EdgeRules, blank: Analysis) -> Analysis:
    """Search the first part of the time. `blank` names the data; what was found is added to it."""
    split = split_ts(trials, rules)
    seen = {
        candidate: _results(
            outcomes, known_before(_spans(outcomes), split, rules.hold_ns(candidate.timeframe))
        )
        for candidate, outcomes in trials.outcomes.items()
    }
    tried = {candidate: results for candidate, results in seen.items() if results}
    shown = {candidate: figures(results) for candidate, results in tried.items()}
    share = rules.in_sample_share
    ratios = [
        one.sharpe
        for candidate, one in shown.items()
        if one.trades >= rules.least_trades(candidate.timeframe, share) and one.sharpe is not None
    ]
    spread = variance(ratios) if len(ratios) > 1 else 0.0
    edges = []
    for candidate, one in _shortlist(shown, rules, share):
        dsr = deflated_sharpe(tried[candidate], len(ratios), spread)
        edges.append(
            Edge(
                signal=candidate.name,
                instrument=blank.instrument,
                timeframe=candidate.timeframe,
                direction=candidate.side,
                pattern=candidate.pattern,
                context=candidate.context,
                required_rr=rules.thresholds(candidate.timeframe).required_rr,
                in_sample=one,
                deflated_sharpe_probability=dsr,
            )
        )
    return replace(
        blank,
        stage=Stage.FIND,
        split_ts=split,
        occurrences=trials.occurrences,
        trials=len(tried),
        trials_eligible=len(ratios),
        trials_sharpe_variance=spread,
        edges=tuple(edges),
    )


def _shortlist(
    shown: dict[Candidate, EdgeFigures], rules: EdgeRules, share: float
) -> list[tuple[Candidate, EdgeFigures]]:
    """The most convincing candidates; of one pattern and timeframe only the best direction and context."""
    good = [
        (candidate, one)
        for candidate, one in shown.items()
        if not misses(one, rules, candidate.timeframe, share) and one.rough_p <= rules.screen_p
    ]
    good.sort(key=lambda pair: (pair[1].rough_p, pair[0]))
    best: dict[tuple[object, ...], tuple[Candidate, EdgeFigures]] = {}
    for candidate, one in good:
        best.setdefault((candidate.timeframe, candidate.pattern), (candidate, one))
    return list(best.values())[: rules.shortlist]


def test(found: Analysis, trials: Trials, rules: EdgeRules, chance: Chance) -> Analysis:
    """Look once at the rest of the time, at what was found alone."""
    rest = (found.split_ts, trials.end_ts)
    p_values, shown, aimless = [], [], []
    for edge in found.edges:
        results = _between(trials.outcomes.get(edge.candidate, ()), rest)
        without = figures(
            _between(trials.aimless.get((edge.timeframe, edge.candidate.direction), ()), rest)
        ).expectancy_r
        head_start = max(0.0, without or 0.0)
        p_values.append(sign_flip_p([one - head_start for one in results], chance))
        shown.append(figures(results))
        aimless.append(without)
    family = [min(1.0, found.looks * p) for p in holm(p_values)]
    tested = tuple(
        replace(
            edge, out_of_sample=after, aimless_r=without, p_value=p, p_holm=strict, p_benjamini_hochberg=mild
        )
        for edge, after, without, p, strict, mild in zip(
            found.edges, shown, aimless, p_values, family, benjamini_hochberg(p_values), strict=True
        )
    )
    judged = tuple(replace(edge, failed=_fails(edge, rules)) for edge in tested)
    return replace(found, stage=Stage.TEST, edges=judged)


test.__test__ = False  # type: ignore[attr-defined]  # pytest: a step of the search


def _fails(edge: Edge, rules: EdgeRules) -> str:
    assert edge.out_of_sample is not None
    missed = misses(edge.out_of_sample, rules, edge.timeframe, 1 - rules.in_sample_share)
    if missed:
        return f"out of sample {missed}"
    if edge.p_holm is None or edge.p_holm > rules.error_rate:
        return f"p {edge.p_holm:.3f} by Holm, over {rules.error_rate:g}"
    return ""


def analyse(tested: Analysis, trials: Trials, rules: EdgeRules, chance: Chance) -> Analysis:
    """Walk forward over all of the time, and ask what the search itself is worth."""
    bounds = even_bounds(trials.start_ts, trials.end_ts, rules.folds + 1)
    edges = []
    for edge in tested.edges:
        outcomes = trials.outcomes.get(edge.candidate, ())
        walked = tuple(sum(_between(outcomes, fold)) for fold in pairwise(bounds))
        failed = edge.failed
        if not failed and 2 * sum(made > 0 for made in walked) <= len(walked):
            failed = f"it made money in {sum(made > 0 for made in walked)} of {len(walked)} parts of the time"
        edges.append(replace(edge, walk_forward_r=walked, failed=failed))
    slices = even_bounds(trials.start_ts, trials.end_ts, rules.slices)
    compared = sorted(
        (
            outcomes
            for candidate, outcomes in trials.outcomes.items()
            if len(outcomes) >= rules.least_trades(candidate.timeframe, 1.0)
        ),
        key=len,
        reverse=True,
    )[:_COMPARED]
    return replace(
        tested,
        stage=Stage.ANALYSE,
        edges=tuple(edges),
        walk_forward=_procedure(trials, rules, bounds, chance),
        overfitting=backtest_overfitting(
            [[sums(_between(outcomes, one)) for one in pairwise(slices)] for outcomes in compared]
        ),
    )


def _procedure(trials: Trials, rules: EdgeRules, bounds: Sequence[int], chance: Chance) -> WalkForward:
    """What this very search would have made, had it been repeated at every bound and traded to the next."""
    spans = {candidate: _spans(outcomes) for candidate, outcomes in trials.outcomes.items()}
    made: list[float] = []
    chosen = 0
    for number in range(1, len(bounds) - 1):
        known = bounds[number] - bounds[0]
        share = known / (trials.end_ts - trials.start_ts)
        folds = {
            candidate: next(
                walk_forward(times, bounds[number : number + 2], rules.hold_ns(candidate.timeframe))
            )
            for candidate, times in spans.items()
        }
        learned = {
            candidate: _results(trials.outcomes[candidate], fold.train) for candidate, fold in folds.items()
        }
        picked = _shortlist({name: figures(results) for name, results in learned.items()}, rules, share)
        for candidate, _ in picked:
            chosen += 1
            made += _results(trials.outcomes[candidate], folds[candidate].test)
    return WalkForward(len(bounds) - 2, chosen, figures(made), sign_flip_p(made, chance) if made else None)


def _spans(outcomes: Iterable[EntryOutcome]) -> list[Bounds]:
    return [(one.decided_ts, one.exit_ts) for one in outcomes]


def _results(outcomes: Sequence[EntryOutcome], positions: Iterable[int]) -> tuple[float, ...]:
    return tuple(outcomes[n].result_r for n in positions)


def _between(outcomes: Sequence[EntryOutcome], bounds: Bounds) -> tuple[float, ...]:
    return _results(outcomes, decided_in(_spans(outcomes), *bounds))
