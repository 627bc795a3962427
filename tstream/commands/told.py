"""What a command did to keys, told to people by the running engine, if one runs."""

from __future__ import annotations

from contextlib import suppress

from adapters.control.client import tell_news
from engine.model.errors import PortError
from engine.model.notices import Severity
from tstream import paths

_PATIENCE_S = 2.0


def tell_of_keys(text: str) -> None:
    """News of security: a notice, and so a message to the channels. What was done stands, heard or not."""
    with suppress(PortError, OSError):
        tell_news(paths.find().control_socket, Severity.WARNING, text, _PATIENCE_S)
