"""Work beside an engine that others go before."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_SESSION = Path("/proc/self/autogroup")


def stand_back(niceness: int) -> None:
    """Let others have the processor first from now on, 1 to 19. A process that leads a session says so for
    that, too: Linux shares a processor evenly between sessions, however nice they are inside.
    """
    with suppress(OSError):
        os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _SESSION.write_text(f"{niceness}", encoding="ascii")
