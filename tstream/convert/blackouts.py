"""The section [blackout] to what the engine is told of scheduled news."""

from __future__ import annotations

from pathlib import Path

from engine.model.blackouts import Blackouts, ScheduledNews
from engine.model.market import MINUTE
from tstream.convert.news_calendar import MOST_BYTES, CalendarFileError, scheduled_news
from tstream.errors import Problem, SettingsError
from tstream.settings.model import Settings


def blackout_file(settings: Settings, folder: Path) -> Path | None:
    """The calendar; where it is told without a folder, it lies beside the settings."""
    name = settings.blackout.file
    return folder / Path(name).expanduser() if name else None


def blackouts(settings: Settings, folder: Path) -> Blackouts:
    """Read the calendar. `folder` is that of the settings. Raises SettingsError."""
    section, file = settings.blackout, blackout_file(settings, folder)
    events: tuple[ScheduledNews, ...] = ()
    if file is not None:
        try:
            if file.stat().st_size > MOST_BYTES:
                raise CalendarFileError(f"longer than {MOST_BYTES} bytes")
            text = file.read_text(encoding="utf-8")
            read = scheduled_news(text, ics=file.suffix.lower() == ".ics", zone=section.zone)
        except OSError as error:
            raise _wrong(file, error.strerror or "can't be read") from error
        except UnicodeDecodeError as error:
            raise _wrong(file, "is no text in UTF-8") from error
        except CalendarFileError as error:
            raise _wrong(file, str(error)) from error
        words = [word.lower() for word in section.words]
        events = tuple(e for e in read if not words or any(word in e.name.lower() for word in words))
    return Blackouts(events, section.minutes_before * MINUTE, section.minutes_after * MINUTE)


def _wrong(file: Path, why: str) -> SettingsError:
    remedy = "correct the file, or take blackout.file out"
    return SettingsError([Problem("blackout.file", f"{file}: {why}", remedy=remedy)])
