"""What a person has chosen on the screen, kept from run to run: theme, overlays, layouts, sizes of panes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

MOST_LAYOUTS = 20
LONGEST_NAME = 24
_MOST_BYTES = 64_000
"""A longer file is none of ours."""


class SavedLayout(Struct, frozen=True):
    """How the panes stand."""

    arrangement: str = "standard"
    second: str = ""
    """What the second chart shows: "timeframe", "contract"; empty: there is none."""
    grown: dict[str, int] = {}
    """Rows more, or fewer, than the arrangement gives a pane, by its name."""


class Choices(Struct, frozen=True):
    """What is kept."""

    overlays_off: tuple[str, ...] = ()
    """Letters of what charts don't show."""
    layout: SavedLayout = SavedLayout()
    """The one on the screen."""
    name: str = ""
    """Under which name it is kept below; empty while it is none of those."""
    layouts: dict[str, SavedLayout] = field(default_factory=dict)
    theme: str = ""
    """Empty: none was chosen."""
    theme_over: str = ""
    """Which one the settings named then; once they name another, that is the newer wish."""


class Remembered:
    """Read once; written with each change. Without a file, or with one that can't be read, it begins anew."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.choices = Choices()
        self.problem = ""
        """Why nothing is kept, in words."""
        if file is not None:
            self._read(file)

    def _read(self, file: Path) -> None:
        try:
            if file.stat().st_size > _MOST_BYTES:
                raise ValueError("too long")
            self.choices = msgspec.json.decode(file.read_bytes(), type=Choices)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:  # a decode error is a ValueError
            self.problem = f"{file.name} can't be read ({error}): layouts begin anew"

    def change(self, **changes: object) -> None:
        """Choose something else, and keep it."""
        self.choices = replace(self.choices, **changes)
        if self._file is None:
            return
        fresh = self._file.with_name(f"{self._file.name}.new")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(self.choices))
            fresh.replace(self._file)
        except OSError as error:
            self.problem = f"{self._file.name} can't be written: {error.strerror}"

    def theme_over(self, named: str) -> str:
        """The theme that was chosen while the settings named this one; empty where none was."""
        return self.choices.theme if self.choices.theme_over == named else ""

    def keep_layout(self, name: str) -> bool:
        """Keep the layout on the screen under a name; False where there are too many or the name is none."""
        name = name.strip()[:LONGEST_NAME]
        layouts = {**self.choices.layouts, name: self.choices.layout}
        if not name or not name.isprintable() or len(layouts) > MOST_LAYOUTS:
            return False
        self.change(layouts=layouts, name=name)
        return True

    def forget_layout(self, name: str) -> None:
        """The layout on the screen stays as it is."""
        layouts = {known: kept for known, kept in self.choices.layouts.items() if known != name}
        self.change(layouts=layouts, name="" if self.choices.name == name else self.choices.name)
