"""The answer to "why?" as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from adapters.common.redaction import printable
from engine.lab.seen import Heard, Seen
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Side
from engine.model.plans import Exit, Idea
from engine.model.scores import by_number
from engine.signals.patterns import Pattern
from tstream.reports.numbers import clock
from tstream.reports.why import Fact, Fate, IdeaSeen, Story

_STYLES = {Fate.TAKEN: "bold green", Fate.REFUSED: "bold red", Fate.NEARLY: "bold yellow"}
_WAYS = {1: "up", -1: "down", 0: "neither"}


def story_words(story: Story, title: str, zone: str) -> RenderableType:
    """What the journal has of it; times are of `zone`."""
    parts: list[RenderableType] = [Text(printable(title), "bold")]
    parts += _part("Before it", (Text(printable(line)) for line in story.standing))
    for idea in story.ideas:
        parts += [Text(), *_idea(idea, zone)]
    of_ideas = {idea.ts for idea in story.ideas}
    rest = [fact for fact in story.facts if fact.ts not in of_ideas or "entering" not in fact.text]
    parts += _part("Meanwhile", (_fact(fact, zone) for fact in rest))
    parts += _part("What became of it", (_fact(fact, zone) for fact in story.later))
    if not story.ideas:
        parts += [Text(), Text("No bot had an idea, nor nearly one.")]
        near = (("the last thing before", story.last_before), ("the first after", story.first_after))
        for name, fact in near:
            if fact is not None and not rest:
                parts.append(Text.assemble((f"{name}: ", "dim"), _fact(fact, zone, day=True)))
    return Group(*parts)


def seen_words(seen: Seen, instrument: Instrument, zone: str) -> RenderableType:
    """What the recorded bars showed at the close, and what the bots say of it."""
    lines: list[Text] = []
    bar = seen.bar
    if bar is None:
        return Group(*_part("Seen", iter([Text("nothing is recorded of this bar")])))
    prices = (f"{name} {instrument.text(getattr(bar, name))}" for name in ("open", "high", "low", "close"))
    lines.append(Text(f"{', '.join(prices)}, volume {bar.volume:,}"))
    for frame in seen.alignment.frames:
        told = f"{frame.timeframe:>4} {_WAYS[frame.direction]:7} {frame.strength_pct:3} %  {frame.pattern}"
        lines.append(Text(printable(told.rstrip())))
    verdict = seen.alignment
    told = f"score {verdict.score_tenths / 10:.1f}: {verdict.verdict}; {', '.join(verdict.reasons)}"
    lines.append(Text(printable(told)))
    lines += [_pattern(one, instrument, zone) for one in seen.patterns]
    heard = [line for one in seen.heard for line in _heard(one, zone)]
    return Group(
        *_part("Seen at its close, on the recorded bars", iter(lines)),
        *_part("What the bots say of that", iter(heard or [Text("nothing")])),
    )


def _pattern(one: Pattern, instrument: Instrument, zone: str) -> Text:
    where = instrument.text(one.price)
    if one.low != one.high:
        where = f"{instrument.text(one.low)} to {instrument.text(one.high)}"
    kind = one.label or one.kind.value.replace("_", " ")
    way = f" {_WAYS[one.direction]}" if one.direction else ""
    at = clock(one.stamp, zone)
    return Text(f"{clock(one.known_at, zone)[11:]} {kind}{way} at {where}, from the bar of {at}")


def _heard(one: Heard, zone: str) -> Iterator[Text]:
    said = one.said
    if isinstance(said, Exit):
        yield Text.assemble(
            (f"{clock(one.ts, zone)[11:]} ", "dim"), printable(f"{one.bot} leaves: {said.reason}")
        )
        return
    taken = isinstance(said, Idea)
    yield from _idea(
        IdeaSeen(
            one.ts, "", Fate.TAKEN if taken else Fate.NEARLY, said.side, one.bot, said.score_tenths, "",
            (said.reason,) if not isinstance(said, Idea) else (),
            said.reasons if isinstance(said, Idea) else (),
            said.parts, said.checks, said.pattern,
        ),
        zone,
        "an idea" if taken else "",
    )  # fmt: skip


def _part(title: str, lines: Iterable[Text]) -> list[RenderableType]:
    told = list(lines)
    return [Text(), Text(title, "dim"), *told] if told else []


def _fact(fact: Fact, zone: str, *, day: bool = False) -> Text:
    shown = clock(fact.ts, zone)
    seconds = f":{fact.ts // NANOS % 60:02d}"
    text = Text.assemble((f"{shown if day else shown[11:]}{seconds} ", "dim"))
    return text.append(printable(f"{fact.book}: {fact.text}" if fact.book else fact.text))


def _idea(idea: IdeaSeen, zone: str, fate: str = "") -> Iterator[Text]:
    """What it was, why it was taken or not, and what its score and its requirements were."""
    side = "long" if idea.side is Side.BUY else "short"
    score = f" {idea.score_tenths / 10:.1f}" if idea.score_tenths else ""
    whose = f"{idea.book}: " if idea.book else ""
    seconds = f":{idea.ts // NANOS % 60:02d}"
    yield Text.assemble(
        (f"{clock(idea.ts, zone)[11:]}{seconds} ", "dim"),
        printable(f"{whose}{idea.by} {side}{score} "),
        (fate or idea.fate.value, _STYLES[idea.fate]),
        printable(f" as {idea.plan_id}" if idea.plan_id else ""),
    )
    for line in idea.against:
        yield Text(printable(f"  because {line}"), "red")
    if idea.reasons:
        yield Text(printable(f"  it came from {', '.join(idea.reasons)}"))
    if idea.pattern is not None:
        one = idea.pattern
        regime = f", {one.regime}" if one.regime else ""
        kind = one.kind.replace("_", " ")
        yield Text(
            printable(f"  pattern {kind} {one.timeframe}, known at {clock(one.known_at, zone)[11:]}{regime}")
        )
    if idea.size_reason:
        yield Text(printable(f"  sized by {idea.size_reason}"))
    if idea.parts:
        told = ", ".join(f"{part.name} {part.points:+.1f}" for part in idea.parts)
        yield Text(printable(f"  score: {told}"))
    if idea.opinion is not None:
        yield Text(printable(f"  opinion: {idea.opinion.words}"))
    for check in by_number(idea.checks):
        met, style = ("✓", "green") if check.passed else ("✗", "red")
        value = "" if check.value is None else f" {round(check.value, 2):g}"
        least = "" if check.least is None else f" (asked: {round(check.least, 2):g})"
        name = check.requirement.value.replace("_", " ")
        yield Text.assemble((f"  {met} ", style), printable(f"{name}{value}{least}"))
