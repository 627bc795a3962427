"""The pictures of a training: are its probabilities true, what do they bring, what do they rest on."""

from __future__ import annotations

from collections.abc import Sequence

from engine.lab.training.probabilities import Bin
from tstream.reports.charts import drawing, levels, thinned_line
from tstream.reports.markup import Markup, tag
from tstream.reports.numbers import in_r, percent
from tstream.reports.scales import Axis, round_steps, time_steps

_LEFT, _WIDE, _HALF = 64.0, 960.0, 480.0
_FEATURES = 20
"""That are named."""

Curve = Sequence[tuple[int, float]]
"""(time, sum in R)."""


def reliability_chart(bins: Sequence[Bin], threshold: float) -> Markup:
    """What was predicted against how often it came: on the broken line it is true. Dots are as large as many
    they stand for; trades are taken right of the mark.
    """
    shown = [one.predicted for one in bins] + [one.hit_rate for one in bins] + [threshold]
    steps = round_steps(max(0.0, min(shown) - 0.02), min(1.0, max(shown) + 0.02), 6)
    low, high = steps[0], steps[-1]
    across, up = Axis(low, high, _LEFT, _HALF - 12), Axis(low, high, 300, 14)
    most = max(one.count for one in bins)
    points = "L".join(f"{across(one.predicted):.1f} {up(one.hit_rate):.1f}" for one in bins)
    parts = [
        *levels(steps, up, _share, _LEFT, _HALF - 12),
        *(tag("text", _share(step), x=across(step), y=318, class_="axis middle") for step in steps),
        tag("line", x1=across(low), y1=up(low), x2=across(high), y2=up(high), class_="base"),
        tag("line", x1=across(threshold), y1=14, x2=across(threshold), y2=300, class_="base"),
        tag("path", d=f"M{points}", class_="curve gain"),
    ]
    for one in bins:
        said = f"said {percent(one.predicted)}, came {percent(one.hit_rate)}, {one.count:,} times"
        parts.append(
            tag(
                "circle",
                tag("title", said),
                cx=across(one.predicted),
                cy=up(one.hit_rate),
                r=2 + 4 * (one.count / most) ** 0.5,
                class_="dot gain",
            )
        )
    parts.append(tag("text", "came true", x=_LEFT + 6, y=24, class_="axis"))
    parts.append(tag("text", "predicted", x=_HALF - 18, y=292, class_="axis end"))
    return drawing(326, "Reliability: predicted against observed", parts, _HALF)


def lift_chart(bins: Sequence[Bin]) -> Markup:
    """What trades made by the probability that was predicted, the least probable tenth first."""
    steps = round_steps(min(0.0, *(one.mean_r for one in bins)), max(0.0, *(one.mean_r for one in bins)), 5)
    up = Axis(steps[0], steps[-1], 300, 14)
    wide = (_HALF - 12 - _LEFT) / len(bins)
    parts = levels(steps, up, lambda value: f"{value:+.2f} R".replace("-", "−"), _LEFT, _HALF - 12)
    for n, one in enumerate(bins):
        top, bottom = up(max(0.0, one.mean_r)), up(min(0.0, one.mean_r))
        said = f"predicted {percent(one.predicted)}: {in_r(one.mean_r)} each, {one.count:,} outcomes"
        parts.append(
            tag(
                "rect",
                tag("title", said),
                x=_LEFT + n * wide + 2,
                y=top,
                width=wide - 4,
                height=max(0.5, bottom - top),
                class_=f"bar {'gain' if one.mean_r >= 0 else 'loss'}",
            )
        )
        parts.append(
            tag("text", _share(one.predicted), x=_LEFT + (n + 0.5) * wide, y=318, class_="axis middle")
        )
    return drawing(326, "Lift: mean result by predicted probability", parts, _HALF)


def gain_chart(rules: Curve, model: Curve) -> Markup:
    """Sums of results out of sample, in R: the rules alone, and what the model would have taken of them."""
    both = [*rules, *model]
    if not both:
        return Markup("")
    begin, end = min(ts for ts, _ in both), max(ts for ts, _ in both)
    across = Axis(begin - 1, end, _LEFT, _WIDE - 12)
    steps = round_steps(min(0.0, *(r for _, r in both)), max(0.0, *(r for _, r in both)), 5)
    up = Axis(steps[0], steps[-1], 300, 14)
    parts = [
        *levels(steps, up, lambda value: f"{value:+.0f} R".replace("-", "−"), _LEFT, _WIDE - 12),
        tag("line", x1=_LEFT, x2=_WIDE - 12, y1=up(0), y2=up(0), class_="base"),
        *(
            tag("text", label, x=across(ts), y=318, class_="axis middle")
            for ts, label in time_steps(begin, end, "UTC")
        ),
    ]
    for name, curve, tone in (("rules alone", rules, "dim"), ("with the model", model, "accent")):
        if not curve:
            continue
        path = thinned_line([(begin - 1, 0.0), *curve], across, up)
        parts.append(tag("path", d=path, class_=f"curve {tone}"))
        ts, last = curve[-1]
        parts.append(tag("circle", cx=across(ts), cy=up(last), r=3.2, class_=f"dot {tone}"))
        above = not model or not rules or (curve is model) == (model[-1][1] >= rules[-1][1])
        near = -10 if above else 18
        parts.append(
            tag(
                "text",
                f"{name} {in_r(last)}",
                x=across(ts) - 8,
                y=min(296.0, max(22.0, up(last) + near)),
                class_=f"value end {tone}",
            )
        )
    return drawing(326, "Results out of sample: rules alone and with the model", parts, _WIDE)


def importance_chart(importance: Sequence[tuple[str, float]]) -> Markup:
    """What the model's splits have brought, by feature: what it looks at, not what makes prices move."""
    shown = [one for one in importance if one[1] > 0][:_FEATURES]
    if not shown:
        return Markup("")
    across = Axis(0.0, shown[0][1], 150, _HALF - 64)
    parts: list[Markup] = []
    for n, (name, share) in enumerate(shown):
        y = 8 + 18.0 * n
        parts += [
            tag("text", name.replace("_", " "), x=142, y=y + 11, class_="axis end"),
            tag("rect", x=150, y=y, width=max(0.5, across(share) - 150), height=13, class_="bar accent"),
            tag("text", percent(share), x=across(share) + 6, y=y + 11, class_="value"),
        ]
    return drawing(16 + 18 * len(shown), "Feature importance", parts, _HALF)


def _share(value: float) -> str:
    return f"{value * 100:.0f} %"
