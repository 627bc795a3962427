"""A cockpit on an engine in another process follows the settings of its own machine: theme and bell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tstream.errors import CommandError
from tstream.paths import Paths
from tstream.run.cockpit import calling_of
from tstream.run.startup import read_settings

if TYPE_CHECKING:
    from tui.attention import Calling

Follow = Callable[["str | None", "Calling"], None]
"""Takes the theme where it is another one, else None, and when the bell rings."""

QUIET_MS = 500
"""Nothing more has come for so long: whoever writes the file is done."""

log = logging.getLogger(__name__)


async def follow_settings(config: Path | None, paths: Paths, theme: str, follow: Follow) -> None:
    """Whenever the settings' file has changed; one that is not right changes nothing. `theme` is the one that
    they name now.
    """
    from watchfiles import awatch

    file = (config or paths.settings_file).absolute()
    if not file.parent.is_dir():
        return
    async for _ in awatch(
        file.parent,
        watch_filter=lambda _change, path: Path(path).name in (file.name, "..data"),
        debounce=QUIET_MS * 4,
        step=QUIET_MS,
        recursive=False,
    ):
        try:
            _, loaded = await asyncio.to_thread(read_settings, config, may_ask=False)
        except CommandError as error:
            log.warning("settings are not taken: %s", "; ".join(error.lines))
            continue
        ui = loaded.settings.ui
        if not loaded.settings.reload.watch:
            continue
        follow(ui.theme if ui.theme != theme else None, calling_of(ui))
        theme = ui.theme
