"""What a process of ours that takes strangers' texts or files apart gets of the environment."""

from __future__ import annotations

import os

_KEPT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")


def child_environment() -> dict[str, str]:
    """What Python needs to start, and nothing else: the rest may hold secrets."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}
