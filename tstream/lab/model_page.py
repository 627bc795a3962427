"""The report of a training as one HTML file (docs/models.md#the-report)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lab.training.gain import Traded
from engine.lab.training.rules import TrainingRules
from engine.lab.training.walk import Judgement
from tstream.clock import iso
from tstream.lab.gathering import Gathered
from tstream.lab.training import Trained
from tstream.reports.markup import Markup, tag
from tstream.reports.model_charts import gain_chart, importance_chart, lift_chart, reliability_chart
from tstream.reports.numbers import in_r, percent, ratio
from tstream.reports.page import card, document, facts

_FOOT = "Made by tstream. Everything is out of sample and in R, net of costs; past results promise nothing."


def model_page(trained: Trained, gathered: Gathered, rules: TrainingRules, compared: str) -> str:
    """The whole page, UTF-8. `compared` names the rules that the model is measured by."""
    judged, made = trained.judgement, trained.card
    name = ", ".join(gathered.instruments)
    return document(
        f"A second opinion on {name}",
        f"{rules.timeframe} closes, {iso(gathered.start_ts)[:10]} to {iso(gathered.end_ts)[:10]}",
        [
            tag("p", tag("b", _first_upper(judged.verdict)), class_="card"),
            _tiles(judged),
            card("Results out of sample, in R", gain_chart(judged.rules_curve, judged.model_curve))
            if judged.rules_curve
            else "",
            *_probabilities(trained),
            tag(
                "div",
                card("What it looks at", importance_chart(trained.importance)) if trained.importance else "",
                card("Read beside it", facts(tuple(_facts(trained, gathered, rules, compared)))),
                class_="two",
            ),
            tag("p", tag("b", "Decision. "), trained.decision, class_="card") if made else "",
        ],
        _FOOT,
    )


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tiles(judged: Judgement) -> Markup:
    told, model, rules = judged.probabilities, judged.model, judged.rules
    tiles = (
        ("with the model, each", in_r(model.mean_r), _tone(model)),
        ("rules alone, each", in_r(rules.mean_r), _tone(rules)),
        ("trades", f"{model.trades:,} of {rules.trades:,}", None),
        ("p of its choice", ratio_4(judged.choice_p), None),
        ("deflated Sharpe", percent(judged.deflated_sharpe, 0), None),
        ("probabilities off by", percent(None if told is None else told.calibration_error), None),
        ("AUC", ratio(None if told is None else told.auc), None),
    )
    return tag(
        "div",
        *(
            tag("div", tag("b", value, class_=tone), tag("small", name), class_="tile")
            for name, value, tone in tiles
        ),
        class_="tiles",
    )


def _tone(one: Traded) -> str | None:
    return None if not one.mean_r else "gain" if one.mean_r > 0 else "loss"


def _probabilities(trained: Trained) -> Iterator[Markup]:
    told = trained.judgement.probabilities
    if told is None or trained.card is None:
        return
    threshold = trained.card.thresholds["probability"]
    yield tag(
        "div",
        card("Reliability", reliability_chart(told.bins, threshold)),
        card("Result by probability", lift_chart(told.bins)),
        class_="two",
    )


def _facts(
    trained: Trained, gathered: Gathered, rules: TrainingRules, compared: str
) -> Iterator[tuple[str, str]]:
    judged, made, barriers = trained.judgement, trained.card, rules.barriers
    yield "Data", ", ".join(gathered.sources)
    yield "Examples", f"{len(gathered.examples):,}, each close from both sides"
    yield (
        "Question",
        f"{barriers.target_r:g} R before the stop, {barriers.stop_atr:g} ATR away,"
        f" within {barriers.bars} closes",
    )
    yield "Costs", "fees and a tick of slippage" if rules.costs else "none"
    yield "Rules", "every pattern" if compared == "patterns" else compared
    told = judged.probabilities
    if told is not None:
        yield "Target came first", percent(told.base_rate)
        yield "Brier score", f"{ratio_4(told.brier)}; {ratio_4(told.brier_of_base)} for always saying that"
        yield "Log loss", ratio_4(told.log_loss)
        yield "Lift of a tenth", ratio(told.lift)
    yield "Worst fall", f"{judged.model.worst_fall_r:.1f} R; rules alone {judged.rules.worst_fall_r:.1f} R"
    yield "p of no gain at all", ratio_4(judged.mean_p)
    overfitting = judged.overfitting
    if overfitting is not None:
        yield "Overfitting", f"{percent(overfitting.probability, 0)} of {overfitting.splits} splits"
    yield "Trials", str(judged.trials)
    if made is not None:
        yield "Taken from", percent(made.thresholds["probability"])
        yield "Seed", str(made.seed)
        if trained.beside:
            yield "Kept", trained.beside
        if made.looks_back:
            shares = ", ".join(percent(share, 0) for share in made.looks_back)
            yield "Looks back", f"{shares} of the newest close and those before it"
        yield "Model", made.name


def ratio_4(value: float | None) -> str:
    """With four digits, as scores of probabilities are told."""
    return "—" if value is None else f"{value:.4f}"
