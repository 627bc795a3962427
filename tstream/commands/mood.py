"""tstream mood score and read: what texts say, and what the sources deliver."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adapters.common.http_calls import HttpCaller
from adapters.common.redaction import REDACT, printable
from adapters.sentiment.config import MoodConfig
from adapters.sentiment.memory import ReadingMemory
from adapters.sentiment.reader import Scored, SourceReading, readings
from adapters.sentiment.scorers import scorer
from engine.model.errors import FatalError, PortError
from tstream import paths as places
from tstream.clock import wall_ns
from tstream.convert.sentiment import mood_config
from tstream.errors import UsageError
from tstream.run.mood import kept_in
from tstream.settings.load import load


def score(texts: Sequence[str], file: Path | None) -> int:
    """One line a text; the exit code. Raises PortError."""
    settings = load(places.find(), file).settings
    found = scorer(settings.sentiment.scorer).score(texts)
    for text, value in zip(texts, found, strict=True):
        sys.stdout.write(f"{value:+.2f}  {printable(text)}\n")
    return 0


def read(names: Sequence[str], file: Path | None, *, as_json: bool) -> int:
    """Read each source once; 1 where one of them can't be read. Raises UsageError, PortError."""
    paths = places.find()
    settings = load(paths, file).settings
    paths.create()
    for secret in settings.secret_values():
        REDACT.add(secret)
    config = mood_config(settings, kept_in(paths))
    known = [one.name for one in config.sources]
    if not known:
        what = "add a [[sentiment.sources]] table to tstream.toml (docs/mood.md)"
        raise UsageError(f"there is nothing to read: {what}")
    if unknown := sorted(set(names) - set(known)):
        raise UsageError(f"no such source: {', '.join(unknown)}; known are {', '.join(known)}")
    wanted = [one for one in config.sources if not names or one.name in names]
    return asyncio.run(_read(replace(config, sources=tuple(wanted)), as_json=as_json))


async def _read(config: MoodConfig, *, as_json: bool) -> int:
    http, failed = HttpCaller(), False
    try:
        try:
            kept = ReadingMemory(Path(config.file), wall_ns)
        except (OSError, ValueError) as error:
            raise FatalError(str(error)) from None
        for one in readings(config, kept, http, wall_ns):
            try:
                found = await one.read()
            except (PortError, OSError) as error:
                failed = True
                sys.stderr.write(f"{printable(REDACT(str(error)))}\n")
                continue
            _show(one, found, as_json=as_json)
    finally:
        await http.close()
    return int(failed)


def _show(source: SourceReading, found: Sequence[Scored], *, as_json: bool) -> None:
    name = source.source.name
    if as_json:
        for one in found:
            row = {
                "source": name,
                "score": round(one.score, 4),
                "weight": round(source.source.weight * one.text.weight, 4),
                "instruments": one.instruments,
                "text": one.text.words,
            }
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
        return
    sys.stdout.write(f"{name}: {len(found)} new texts\n")
    for one in found:
        about = ", ".join(one.instruments) if any(one.instruments) else "the market"
        sys.stdout.write(f"  {one.score:+.2f}  {printable(one.text.words)[:120]}  ({about})\n")
    for line in source.lines(found):
        about = line.instrument or "the market"
        sys.stdout.write(f"  {about}: {line.score:+.2f} of {line.texts} texts, weight {line.weight:.1f}\n")
