"""Whether a run serves the REST API, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tstream.clock import wall_ns
from tstream.run.services import Service

if TYPE_CHECKING:
    from adapters.control.access import AccessLog
    from engine.ports import EngineHandle
    from tstream.options import RunOptions
    from tstream.paths import Paths
    from tstream.settings.model import Settings


def wants_api(settings: Settings, options: RunOptions) -> bool:
    """The options of one run count before the settings."""
    return settings.api.enabled if options.api is None else options.api


def api_service(
    handle: EngineHandle, settings: Settings, paths: Paths, name: str, access: AccessLog
) -> Service:
    """The API beside an engine; `name` is that of the run's journal."""
    from adapters.control.rest.thread import ApiThread
    from tstream.convert.api import api_config

    return Service("REST API", ApiThread(handle, api_config(settings, paths, name), access, wall_ns).run)
