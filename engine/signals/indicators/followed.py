"""Indicators by series, kept up with the closed bars by whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from engine.model.market import Bar, Timeframe

Made = TypeVar("Made")


class _Fed:
    """One indicator, and up to which bar it has been fed."""

    __slots__ = ("add", "indicator", "last", "read")

    def __init__(self, indicator: Any, of: str | None) -> None:
        self.indicator = indicator
        self.add: Callable[[Any], Any] = indicator.add
        of = of or getattr(indicator, "of", None)
        self.read: Callable[[Bar], Any] | None = attrgetter(of) if of else None
        self.last = -1
        """Open time of its newest bar, nanoseconds UTC."""


class FollowedIndicators:
    """Every indicator that somebody has asked for. `since` gives the closed bars of a series that are here
    from an open time on, oldest first.

    An indicator begins with the bars that are kept when it is first asked for. One that nobody has asked for
    so long that bars are missing in between begins anew.
    """

    def __init__(self, since: Callable[[str, Timeframe, int], Sequence[Bar]]) -> None:
        self._since = since
        self._known: dict[tuple[str, Timeframe, Hashable], _Fed] = {}

    def get(
        self,
        instrument: str,
        timeframe: Timeframe,
        kind: Callable[..., Made],
        arguments: tuple[Any, ...],
        of: str | None,
        through: int,
    ) -> Made:
        """One with everything in it that had closed by `through`, nanoseconds UTC, and nothing later.

        `of` names what of a bar it is fed; None takes what its class says in `of`, else the bar itself.
        """
        key = instrument, timeframe, (kind, arguments, of)
        fed = self._known.get(key)
        if fed is None:
            fed = self._known[key] = _Fed(kind(*arguments), of)
        last = fed.last
        bars = self._since(instrument, timeframe, last)
        if last >= 0 and (not bars or bars[0].open_ts != last):
            fed = self._known[key] = _Fed(kind(*arguments), of)
            last, bars = -1, self._since(instrument, timeframe, -1)
        add, read = fed.add, fed.read
        for bar in bars if last < 0 else bars[1:]:
            if bar.close_ts > through:
                break
            add(bar if read is None else read(bar))
            fed.last = bar.open_ts
        return fed.indicator  # type: ignore[no-any-return]

    def forget(self, instrument: str) -> None:
        """Its past has changed: what is asked for begins anew."""
        for key in [key for key in self._known if key[0] == instrument]:
            del self._known[key]
