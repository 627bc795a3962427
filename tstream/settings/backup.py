"""The section [backup] of tstream.toml: how often, where, and what stays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from adapters.store.backups.keeping import Keeping
from tstream.settings.fields import Section, Whole, refuse, setting

_USUAL = Keeping()


def _folder(name: str) -> str:
    if name and not name.startswith(("/", "~/")):
        raise refuse('must be a whole path, such as "/mnt/backups/tstream" or "~/backups"')
    return name


class BackupSettings(Section):
    """Backups of journals, practice accounts, analyses and settings ([backups](operations.md#backups))."""

    enabled: bool = setting(True, "Make them beside the engine; tstream backup makes them in any case.")
    hours: Whole = setting(6, "So often, as long as an engine runs.", ge=1, le=168)
    folder: Annotated[str, AfterValidator(_folder)] = setting(
        "",
        "Where they are kept, best on another disk; one folder for one installation.",
        allowed="a whole path",
        default="beside the data folder",
    )
    daily: Whole = setting(_USUAL.daily, "Of so many days the newest one stays.", ge=1, le=3660)
    weekly: Whole = setting(_USUAL.weekly, "Of so many weeks, from Monday.", ge=0, le=520)
    monthly: Whole = setting(_USUAL.monthly, "Of so many months.", ge=0, le=120)
    verify_hours: Whole = setting(24, "So often the newest one is unpacked and looked through.", ge=1, le=720)

    @property
    def keeping(self) -> Keeping:
        return Keeping(self.daily, self.weekly, self.monthly)

    def place(self, usual: Path) -> Path:
        """The folder; `usual` where none is set."""
        return Path(self.folder).expanduser() if self.folder else usual
