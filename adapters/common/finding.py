"""What `tstream check` found out about one thing."""

from __future__ import annotations

from msgspec import Struct


class Check(Struct, frozen=True):
    """One finding. `detail` may hold words from outside: data, not markup."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    soon: bool = False
    """All is well now, and will not be for long: the remedy is told."""
