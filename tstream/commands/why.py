"""tstream why: what was seen of a contract at a time, and why it was traded or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from adapters.common.redaction import printable
from adapters.store.reading import stored
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.market.intervals import interval_at
from engine.model import records as r
from engine.model.errors import JournalError
from engine.model.market import NANOS, Side, Timeframe
from tstream import paths
from tstream.errors import CommandError, UsageError
from tstream.reports.numbers import clock
from tstream.reports.tables import show
from tstream.reports.why import Fact, IdeaSeen, Story, tell_why


def why(
    at: datetime,
    contract: str,
    timeframe: str,
    zone: str | None,
    book: str | None,
    as_json: bool,
    journal: Path | None,
) -> int:
    """Tell it. `at` without a zone is of `zone`, else by the clock of the contract's calendar.

    Raises CommandError, PortError.
    """
    file = journal or paths.find().last_run()
    if file is None:
        raise CommandError("there is no run yet; start tstream once")
    calendar = _calendar(file, contract)
    place = zone or calendar.zone
    when = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(place))
    bar = interval_at(int(when.timestamp()) * NANOS, Timeframe(timeframe), calendar)
    if bar is None:
        raise UsageError(f"{contract} has no {timeframe} bar at {when:%Y-%m-%d %H:%M}: its market is closed")
    story = tell_why(stored(file), contract, bar, book)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(story), indent=2).decode() + "\n")
    else:
        mark = calendar.clock_mark if place == calendar.zone else place
        show(_words(story, contract, timeframe, place, mark))
    return 0


def _calendar(file: Path, contract: str) -> Calendar:
    """As the journal knows the contract. Raises UsageError where it does not."""
    known: dict[str, Calendar] = {}
    for _, raw in stored(file):
        if b'"contract_known"' in raw:
            try:
                record = r.decode(raw)
            except JournalError:
                continue  # whoever folds it says which record it is
            if isinstance(record, r.ContractKnown):
                known[record.instrument.symbol] = calendar_of(record.instrument.calendar)
                if contract in known:
                    return known[contract]
    raise UsageError(f"the journal has no contract {contract}; it has {', '.join(known) or 'none yet'}")


def _words(story: Story, contract: str, timeframe: str, zone: str, mark: str) -> RenderableType:
    begin, end = (clock(ts, zone) for ts in story.bar)
    parts: list[RenderableType] = [Text(f"{contract} {timeframe}, {begin} to {end[11:]} {mark}", "bold")]
    parts += _part("Before it", (Text(printable(line)) for line in story.standing))
    for idea in story.ideas:
        parts += [Text(), *_idea(idea, zone)]
    taken = {idea.ts for idea in story.ideas}
    rest = [fact for fact in story.facts if fact.ts not in taken or not story.ideas]
    parts += _part("Meanwhile", (_fact(fact, zone) for fact in rest))
    parts += _part("What became of it", (_fact(fact, zone) for fact in story.later))
    if not story.ideas:
        parts += [Text(), Text("No idea came up that an entry was asked for: no bot had a reason to trade.")]
        near = (("the last thing before", story.last_before), ("the first after", story.first_after))
        for name, fact in near:
            if fact is not None and not rest:
                parts.append(Text.assemble((f"{name}: ", "dim"), _fact(fact, zone, day=True)))
    return Group(*parts)


def _part(title: str, lines: Iterator[Text]) -> list[RenderableType]:
    told = list(lines)
    return [Text(), Text(title, "dim"), *told] if told else []


def _fact(fact: Fact, zone: str, *, day: bool = False) -> Text:
    shown = clock(fact.ts, zone)
    seconds = f":{fact.ts // NANOS % 60:02d}"
    text = Text.assemble((f"{shown if day else shown[11:]}{seconds} ", "dim"))
    return text.append(printable(f"{fact.book}: {fact.text}" if fact.book else fact.text))


def _idea(idea: IdeaSeen, zone: str) -> Iterator[Text]:
    """What it was, why it was taken or not, and what its score and its requirements were."""
    side = "long" if idea.side is Side.BUY else "short"
    score = f" {idea.score_tenths / 10:.1f}" if idea.score_tenths else ""
    fate = ("refused", "bold red") if idea.against else ("taken", "bold green")
    seconds = f":{idea.ts // NANOS % 60:02d}"
    yield Text.assemble(
        (f"{clock(idea.ts, zone)[11:]}{seconds} ", "dim"),
        printable(f"{idea.book}: {idea.by} {side}{score} "),
        fate,
        printable(f" as {idea.plan_id}" if idea.plan_id else ""),
    )
    for line in idea.against:
        yield Text(printable(f"  because {line}"), "red")
    if idea.reasons:
        yield Text(printable(f"  it came from {', '.join(idea.reasons)}"))
    if idea.size_reason:
        yield Text(printable(f"  sized by {idea.size_reason}"))
    if idea.parts:
        told = ", ".join(f"{part.name} {part.points:+.1f}" for part in idea.parts)
        yield Text(printable(f"  score: {told}"))
    for check in idea.checks:
        met, style = ("✓", "green") if check.passed else ("✗", "red")
        value = "" if check.value is None else f" {check.value:g}"
        least = "" if check.least is None else f" (asked: {check.least:g})"
        name = check.requirement.value.replace("_", " ")
        yield Text.assemble((f"  {met} ", style), printable(f"{name}{value}{least}"))
