"""The sections [web], the cockpit in a browser, and [watch], from where on people are told of a risk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import SecretStr, StringConstraints, model_validator
from pydantic_settings import NoDecode

from adapters.control.web.config import PORT, SHORTEST_PASSWORD
from engine.model.watch import WatchLimits
from tstream.settings.declared import DeclaredSection, keys_of
from tstream.settings.fields import CommaSeparated, Section, Whole, refuse, setting

HostName = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9.-]+$", max_length=253)]


class WebSettings(Section):
    """The cockpit in a browser, `tstream web`."""

    host: str = setting(
        "127.0.0.1",
        "The address that it listens on. Any but this machine's own needs a password and a certificate.",
    )
    port: Whole = setting(PORT, "The port.", ge=1, le=65535)
    names: Annotated[tuple[HostName, ...], NoDecode, CommaSeparated] = setting(
        (),
        "Host names under which browsers reach it, besides localhost and addresses.",
        allowed="a list of host names",
    )
    password: SecretStr = setting(
        SecretStr(""), f"Lets people in who may trade; at least {SHORTEST_PASSWORD} characters."
    )
    viewer_password: SecretStr = setting(SecretStr(""), "Lets people in who may only look.")
    certificate: str = setting("", "The certificate of the host, with its chain, a PEM file.")
    certificate_key: str = setting("", "Its key, a PEM file.")
    sessions: Whole = setting(
        8, "Tabs that may be open at a time, each with a cockpit of its own.", ge=1, le=64
    )

    @model_validator(mode="after")
    def _encrypts(self) -> Self:
        if bool(self.certificate) is not bool(self.certificate_key):
            missing = "certificate_key" if self.certificate else "certificate"
            raise refuse("is needed where its other half is set", key=missing)
        return self

    def file(self, name: str) -> Path | None:
        """A file that is named, with ~ for the home folder; None where none is."""
        return Path(name).expanduser() if name else None


@keys_of(WatchLimits())
class WatchSettings(DeclaredSection):
    """From where on people are told of a risk. Nothing is done about it: what acts is in [risk]."""
