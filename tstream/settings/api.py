"""The section [api] of tstream.toml: the REST API, its WebSocket and its metrics."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import SecretStr, model_validator
from pydantic_settings import NoDecode

from adapters.common.secret import LOOPBACK
from adapters.control.rest.config import PORT
from tstream.settings.fields import CommaSeparated, Section, Whole, refuse, setting

Names = Annotated[tuple[str, ...], NoDecode, CommaSeparated]


class ApiSettings(Section):
    """The REST API, its WebSocket and its metrics ([api.md](api.md)). The token: only from .env or the
    environment, where `API_TOKEN` is read too.
    """

    enabled: bool = setting(False, "Serve it; --api and --no-api say it for one run.")
    host: str = setting("127.0.0.1", "Address to listen at; beyond this machine TLS is needed.")
    port: Whole = setting(PORT, "Port to listen at; 0 takes a free one.", ge=0, le=65535)
    token: SecretStr = setting(
        SecretStr(""),
        "A token of all scopes, at least 16 characters; tstream token create makes better ones.",
    )
    names: Names = setting(
        (), "Names under which it is reached, beside host and this machine.", allowed="a list of host names"
    )
    certificate: str = setting("", "File of a TLS certificate with its chain, PEM.")
    certificate_key: str = setting("", "File of its key, PEM.")
    encrypted_outside: bool = setting(
        False,
        "Whatever stands in front encrypts (a proxy, a tunnel): listen beyond this machine without TLS.",
    )
    per_minute: Whole = setting(600, "Requests a minute that one token may send.", ge=1, le=1_000_000)
    orders_per_minute: Whole = setting(60, "Commands a minute that one token may send.", ge=1, le=100_000)

    @model_validator(mode="after")
    def _travels_encrypted(self) -> Self:
        if self.certificate_key and not self.certificate:
            raise refuse("is needed where api.certificate_key is set", key="certificate")
        if self.host not in LOOPBACK and not (self.certificate or self.encrypted_outside):
            raise refuse(
                "is beyond this machine, and tokens would travel readable: set api.certificate and "
                "api.certificate_key, or api.encrypted_outside where a proxy or tunnel encrypts",
                key="host",
                value=self.host,
            )
        return self
