"""The peer of the cockpit: the smallest Textual app with one key. `python -m bench.bare`"""

from __future__ import annotations

import os
import time

from textual.app import App, ComposeResult
from textual.widgets import Static

from bench.channels import KEYS, channel


class Bare(App[None]):
    """Counts how often its key was pressed."""

    BINDINGS = [("t", "count", "count")]  # noqa: RUF012 - as the simplest app is written
    presses = 0

    def __init__(self) -> None:
        super().__init__()
        self._keys = channel(KEYS)

    def compose(self) -> ComposeResult:
        yield Static("BARE 0")

    def action_count(self) -> None:
        if self._keys is not None:
            os.write(self._keys, time.monotonic_ns().to_bytes(8, "little"))
        self.presses += 1
        self.query_one(Static).update(f"BARE {self.presses}")


if __name__ == "__main__":
    Bare().run()
