"""A text that is kept out of logs, reprs and exceptions."""

from __future__ import annotations

from collections.abc import Callable


class Secret:
    """A text that shows itself only when asked: not in logs, reprs, formats or exceptions.

    Takes the text or a callable that fetches it (from a key vault) at the moment of use.
    """

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str]) -> None:
        self._source = source

    def reveal(self) -> str:
        return self._source if isinstance(self._source, str) else self._source()

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
