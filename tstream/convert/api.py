"""Settings to what the REST API is told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, SecretStr

from adapters.common.secret import Secret
from adapters.control.rest.config import ApiConfig
from adapters.control.tokens import SHORTEST
from tstream.paths import Paths
from tstream.settings.model import Settings
from tstream.settings.problems import MASK

log = logging.getLogger(__name__)


def api_config(settings: Settings, paths: Paths, name: str) -> ApiConfig:
    """What the API of a run is told; `name` is that of the run's journal."""
    api = settings.api
    token = api.token.get_secret_value()
    if token and len(token) < SHORTEST:
        log.error("API_TOKEN is not taken: it has fewer than %d characters", SHORTEST)
    return ApiConfig(
        tokens=paths.api_tokens,
        keys=paths.venue(name) / "api-keys.db",
        version=version("tstream"),
        settings=lambda: masked(settings),
        host=api.host,
        port=api.port,
        names=api.names,
        token=Secret(token) if len(token) >= SHORTEST else None,
        certificate=api.certificate,
        certificate_key=api.certificate_key,
        per_minute=api.per_minute,
        orders_per_minute=api.orders_per_minute,
    )


def masked(section: BaseModel) -> dict[str, Any]:
    """Settings as plain values, with a mask in place of every secret that is set."""
    return {name: _plain(getattr(section, name)) for name in type(section).model_fields}


def _plain(value: object) -> Any:
    match value:
        case SecretStr():
            return MASK if value.get_secret_value() else ""
        case BaseModel():
            return masked(value)
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case tuple() | list() | set() | frozenset():
            return [_plain(one) for one in value]
        case None | bool() | int() | float():
            return value
    return str(value)
