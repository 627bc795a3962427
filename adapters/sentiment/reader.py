"""The process that reads: `python -m adapters.sentiment.reader` takes a MoodConfig on its stdin, one line of
JSON, and tells on its stdout what it found, one line a telling, until its stdin ends.

Texts of others are taken apart here, so that whatever they do they do to this process.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from adapters.common.http_calls import HttpCaller
from adapters.common.standing_back import stand_back
from adapters.sentiment.calls import ServiceCaller
from adapters.sentiment.config import MoodConfig, ServiceKeys, SourceKind, TextSource
from adapters.sentiment.memory import ReadingMemory
from adapters.sentiment.scorers import Scorer, scorer
from adapters.sentiment.sources.news import News
from adapters.sentiment.sources.reddit import Reddit
from adapters.sentiment.sources.rss import Rss
from adapters.sentiment.sources.x import X
from adapters.sentiment.texts import Namings, Text
from engine.model.errors import PortError, RefusedError
from engine.model.market import MINUTE
from engine.ports import Clock

OLDEST = 24 * 60 * MINUTE
"""Older texts have been heard by everybody."""
NICE = 10
_AGAIN_S = 60.0
"""After a failure it is asked again, later each time, as often as it would be at the latest."""


class MoodLine(Struct, frozen=True, tag="mood"):
    source: str
    instrument: str
    score: float
    weight: float
    age_ns: int
    """Of its newest text."""
    texts: int


class SourceLine(Struct, frozen=True, tag="source"):
    """How a source is."""

    source: str
    well: bool
    detail: str


Line = MoodLine | SourceLine
Tell = Callable[[Line], None]


class Readable(Protocol):
    async def read(self) -> list[Text]:
        """The newest texts. Raises RetryableError, RefusedError."""


def readable(
    source: TextSource, keys: ServiceKeys, calls: ServiceCaller, kept: ReadingMemory, clock: Clock
) -> Readable:
    match source.kind:
        case SourceKind.RSS:
            return Rss(source, calls, clock)
        case SourceKind.NEWS:
            return News(source, keys.news, calls, clock)
        case SourceKind.REDDIT:
            return Reddit(source, keys, calls, clock)
        case SourceKind.X:
            return X(source, keys.x, calls, kept, clock)


class Scored(Struct, frozen=True):
    text: Text
    score: float
    instruments: tuple[str, ...]
    """What it counts for; the market as a whole is an empty name."""


class SourceReading:
    """One source, read again and again."""

    def __init__(
        self,
        source: TextSource,
        found: Readable,
        kept: ReadingMemory,
        scores: Scorer,
        words: Mapping[str, tuple[str, ...]],
        clock: Clock,
    ) -> None:
        self.source = source
        self._readable = found
        self._kept = kept
        self._scores = scores
        self._clock = clock
        self._namings = Namings(source.instruments, words)

    async def read(self) -> list[Scored]:
        """What is new, and what it says. Raises PortError, OSError."""
        texts = await self._readable.read()
        now = self._clock()
        fresh = self._kept.fresh(self.source.name, texts)
        self._kept.save()
        about = [(one, self._about(one)) for one in fresh if now - one.ts <= OLDEST]
        wanted = [(one, instruments) for one, instruments in about if instruments]
        scores = self._scores.score([one.words for one, _ in wanted])
        return [Scored(one, score, found) for (one, found), score in zip(wanted, scores, strict=True)]

    def _about(self, text: Text) -> tuple[str, ...]:
        if not self.source.instruments:
            return ("",)
        if not self.source.named_only:
            return self.source.instruments
        return tuple(self._namings.named(text))

    def lines(self, scored: Sequence[Scored]) -> list[MoodLine]:
        """One telling an instrument."""
        now, found = self._clock(), []
        for instrument in sorted({name for one in scored for name in one.instruments}):
            those = [one for one in scored if instrument in one.instruments]
            weights = [self.source.weight * one.text.weight for one in those]
            total = sum(weights)
            if total <= 0:
                continue
            score = sum(w * one.score for w, one in zip(weights, those, strict=True)) / total
            age = max(0, now - max(one.text.ts for one in those))
            found.append(MoodLine(self.source.name, instrument, score, total, age, len(those)))
        return found

    async def run(self, tell: Tell) -> None:
        """For as long as it runs."""
        wait_s = _AGAIN_S
        while True:
            try:
                scored = await self.read()
            except (PortError, OSError) as error:
                tell(SourceLine(self.source.name, well=False, detail=str(error)[:200]))
                refused = isinstance(error, RefusedError)
                await asyncio.sleep(max(wait_s, self.source.every_s if refused else 0.0))
                wait_s = min(2 * wait_s, max(_AGAIN_S, self.source.every_s))
                continue
            wait_s = _AGAIN_S
            for line in self.lines(scored):
                tell(line)
            tell(SourceLine(self.source.name, well=True, detail=self._detail(len(scored))))
            await asyncio.sleep(self.source.every_s)

    def _detail(self, fresh: int) -> str:
        told = f"{fresh} new texts"
        if self.source.kind is not SourceKind.X:
            return told
        spent = self._kept.of(self.source.name).spent_usd
        return f"{told}, {spent.normalize():f} of {self.source.daily_usd.normalize():f} USD spent today"


def readings(config: MoodConfig, kept: ReadingMemory, http: HttpCaller, clock: Clock) -> list[SourceReading]:
    """All sources of a configuration. Raises FatalError where something is not installed."""
    calls, scores = ServiceCaller(http), scorer(config.scorer)
    return [
        SourceReading(one, readable(one, config.keys, calls, kept, clock), kept, scores, config.words, clock)
        for one in config.sources
    ]


async def work(config: MoodConfig, tell: Tell, ends: asyncio.Event) -> None:
    """Read all sources until it ends."""
    http, clock = HttpCaller(), time.time_ns
    try:
        all_of_them = readings(config, ReadingMemory(Path(config.file), clock), http, clock)
        tasks = [asyncio.create_task(one.run(tell)) for one in all_of_them]
        over = asyncio.create_task(ends.wait())
        done, _ = await asyncio.wait((over, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in (over, *tasks):
            task.cancel()
        for task in done - {over}:
            task.result()
    finally:
        await http.close()


async def _main() -> int:
    stand_back(NICE)
    stdin = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    config = msgspec.json.decode(await stdin.readline(), type=MoodConfig)
    ends = asyncio.Event()

    def tell(line: Line) -> None:
        with suppress(BrokenPipeError):
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
            sys.stdout.buffer.flush()

    async def heed() -> None:
        while await stdin.readline():
            pass
        ends.set()

    heeding = asyncio.create_task(heed())
    try:
        await work(config, tell, ends)
    finally:
        heeding.cancel()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
