"""Which history the settings mean."""

from __future__ import annotations

from adapters.common.secret import Secret
from adapters.store.history.postgres import PostgresHistory
from adapters.store.history.sqlite import SqliteHistory
from tstream.paths import Paths
from tstream.settings.model import Settings


def history_of(settings: Settings, paths: Paths) -> SqliteHistory | PostgresHistory:
    """PostgreSQL where an address is set, else a file beside the journals. Nothing is opened yet."""
    url = settings.history.url.get_secret_value()
    return PostgresHistory(Secret(url)) if url else SqliteHistory(paths.history)
