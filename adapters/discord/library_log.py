"""discord.py's own log lines go through ours, without secrets and at the level that they deserve."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.common.plain_words import in_words
from adapters.common.redaction import scrub

_log = logging.getLogger(__name__)

_LIBRARY = "discord"
_NOISE = ("voice will NOT be supported",)


class _Relay(logging.Handler):
    """Tells only one line of an error: its trace may hold what a request was made of."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: list[str] = []
        self._holders = 0
        self._before = (logging.NOTSET, True)

    @contextmanager
    def holding(self, library: logging.Logger) -> Iterator[None]:
        """The first to come takes the library's logger over, the last to go gives it back as it was."""
        if not self._holders:
            self._before = library.level, library.propagate
            library.addHandler(self)
            library.setLevel(logging.INFO)
            library.propagate = False
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                library.removeHandler(self)
                library.setLevel(self._before[0])
                library.propagate = self._before[1]

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {in_words(record.exc_info[1], *self.secrets)}"
        if not any(noise in text for noise in _NOISE):
            level = logging.DEBUG if record.levelno <= logging.INFO else record.levelno
            _log.log(level, "%s", scrub(text, *self.secrets))


_RELAY = _Relay()


@contextmanager
def relayed(*secrets: str) -> Iterator[None]:
    """While it lasts; several may last at a time.

    Below INFO the library logs every packet, with the words of people whom we do not read: that stays off.
    """
    library = logging.getLogger(_LIBRARY)
    with _RELAY.holding(library):
        _RELAY.secrets.extend(secrets)
        try:
            yield
        finally:
            for secret in secrets:
                _RELAY.secrets.remove(secret)
