"""Orders that were sent just now: a venue's lists may not have them yet, and that is not their absence."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from engine.model.errors import RetryableError

_MOST = 1_000


class SentOrders:
    """Client ids and when their orders were sent, by the loop's clock.

    A venue that takes an order writes it into its lists a little later. A snapshot without it would say that
    it never was: until `settle_s` have passed such a snapshot is none.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._sent: dict[str, float] = {}

    def sent(self, client_id: str) -> None:
        """It goes out now, or its answer has come: from now on its listing may take so long."""
        self._sent.pop(client_id, None)
        if len(self._sent) >= _MOST:
            self._sent.pop(next(iter(self._sent)))
        self._sent[client_id] = asyncio.get_running_loop().time()

    def refused(self, client_id: str) -> None:
        """There is no such order, and won't be."""
        self._sent.pop(client_id, None)

    def missing(self, listed: Collection[str | None]) -> list[str]:
        """Those that are too young for their absence to mean anything; the older ones are forgotten."""
        before = asyncio.get_running_loop().time() - self._settle_s
        self._sent = {one: at for one, at in self._sent.items() if at > before}
        return [one for one in self._sent if one not in listed]


def not_yet(client_ids: Collection[str]) -> RetryableError:
    """Why there is no snapshot."""
    return RetryableError(
        f"the venue does not list {', '.join(client_ids)} yet, which went out just now: it is asked again"
    )
