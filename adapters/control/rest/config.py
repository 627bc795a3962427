"""What the REST API is told: plain values that tstream.convert makes of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.common.secret import LOOPBACK, Secret

PORT = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    tokens: Path
    """File of the tokens."""
    keys: Path
    """File of the Idempotency-Keys that were used."""
    version: str
    """Of the program."""
    settings: Callable[[], Mapping[str, object]] = dict
    """The settings of the run as people write them, secrets masked."""
    host: str = "127.0.0.1"
    port: int = PORT
    """0 takes a free one."""
    names: tuple[str, ...] = ()
    """Under which it is reached, beside its own address and those of this machine."""
    token: Secret | None = None
    """One of all scopes."""
    certificate: str = ""
    """Files of a TLS certificate and of its key, PEM."""
    certificate_key: str = ""
    per_minute: int = 600
    """Requests of one token."""
    orders_per_minute: int = 60
    answer_s: float = 5.0
    """How long the engine's answer to a command is waited for."""

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        return self.host in LOOPBACK
