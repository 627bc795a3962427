"""What `tstream web` is told: where it listens, who may come in, and what runs in a tab."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.common.secret import LOOPBACK, Secret
from engine.model.errors import FatalError

PORT = 8022
SHORTEST_PASSWORD = 12
"""Characters. Guesses are slow here (see logins), but a short one is guessed all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """Checked as a whole by `check`. Commands are what a tab runs; nothing of the browser is part of them."""

    command: tuple[str, ...]
    """Of whoever may trade."""
    viewer_command: tuple[str, ...]
    """Of whoever may only look."""
    host: str = "127.0.0.1"
    port: int = PORT
    """0 takes a free one."""
    names: tuple[str, ...] = ()
    """Host names under which browsers reach it, besides localhost and addresses."""
    password: Secret | None = None
    viewer_password: Secret | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    sessions: int = 8
    """Tabs at a time."""
    readonly: bool = False
    """Nobody trades, whatever the password."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All of the environment of what runs in a tab."""
    origin_variable: str = "BROWSER_AT"
    """In which of its variables it is told from where it is looked at."""
    trouble: Callable[[], str] = lambda: ""
    """Why a tab would be of no use now, with the remedy: no engine runs. Empty where one does."""

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def login(self) -> bool:
        """Whether people have to give a password."""
        return self.password is not None or self.viewer_password is not None

    def check(self) -> ssl.SSLContext | None:
        """How the line is encrypted; None on loopback without a certificate. Raises FatalError."""
        for name, secret in (("password", self.password), ("viewer_password", self.viewer_password)):
            if secret is not None and len(secret.reveal()) < SHORTEST_PASSWORD:
                raise FatalError(f"web.{name} has to have at least {SHORTEST_PASSWORD} characters")
        if self.password and self.viewer_password and self.password.reveal() == self.viewer_password.reveal():
            raise FatalError("web.password and web.viewer_password are the same: give those who look another")
        if (self.certificate is None) is not (self.certificate_key is None):
            raise FatalError("web.certificate and web.certificate_key go together: set both")
        if not self.on_loopback and not self.login:
            raise FatalError(
                f"whoever reaches {self.host} could trade: set web.password in .env (TSTREAM_WEB_PASSWORD), "
                "or stay on 127.0.0.1 and reach it by ssh -L"
            )
        if not self.on_loopback and self.certificate is None:
            raise FatalError(
                f"what is typed would travel readable to {self.host}: set web.certificate and "
                "web.certificate_key, or stay on 127.0.0.1 and reach it by ssh -L"
            )
        return self._encryption()

    def _encryption(self) -> ssl.SSLContext | None:
        if self.certificate is None or self.certificate_key is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.certificate_key)
        except OSError as error:  # ssl's own errors are among these
            raise FatalError(f"web.certificate can't be used: {error.strerror or error}") from None
        return context
