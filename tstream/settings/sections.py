"""The sections of tstream.toml, but for [risk], [venues.NAME], [discord], [rooms.NAME] and [notify]."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator
from pydantic_settings import NoDecode

from adapters.common.secret import LOOPBACK
from engine.model.notices import NoticeKind
from engine.signals.chart_curves import INDICATORS, MOST_INDICATORS, chart_indicator
from engine.strategies.zone_settings import Weights, ZoneReactionConfig, alignment_problem
from tstream.logs import LogOptions
from tstream.settings.declared import DeclaredSection, filled, keys_of
from tstream.settings.fields import (
    SOME_TIMEFRAMES,
    CommaSeparated,
    Section,
    Timeframes,
    Whole,
    computed,
    refuse,
    setting,
)

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _base_url(url: str) -> str:
    if not url:
        return url
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise refuse(f"is no URL ({error})") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise refuse('must be a URL such as "https://api.example.com"')
    if parts.scheme == "http" and host not in LOOPBACK:
        raise refuse("must begin with https://, or the key would travel readable (http only on this machine)")
    return url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]


def _socket_url(url: str) -> str:
    _base_url("http" + url.removeprefix("ws") if url.startswith(("ws://", "wss://")) else "")
    if not url.startswith(("ws://", "wss://")):
        raise refuse('must be a URL such as "wss://gateway.example.com"')
    return url


SocketUrl = Annotated[str, AfterValidator(_socket_url)]


def _clock_time(value: object) -> object:
    """TOML knows times of day of its own (08:30:00); people write "8:30"."""
    if isinstance(value, time):
        value = value.isoformat("minutes") if value.replace(second=0, microsecond=0) == value else "odd"
    if isinstance(value, str) and value:
        match = _TIME.fullmatch(value)
        if match is None:
            raise refuse('must be a time of day in hours and minutes, such as "08:30"')
        return f"{int(match[1]):02}:{match[2]}"
    return value


ClockTime = Annotated[str, BeforeValidator(_clock_time)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refuse('must be a time zone such as "Europe/Helsinki" or "America/Chicago"') from error
    return name


BELL_KINDS = ("critical", *(kind.value for kind in NoticeKind))


def _bell_kinds(wanted: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [kind for kind in wanted if kind not in BELL_KINDS]
    if unknown:
        raise refuse(f"{unknown[0]!r} is no kind of news")
    return wanted


BellKinds = Annotated[tuple[str, ...], NoDecode, CommaSeparated, AfterValidator(_bell_kinds)]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _indicators(wanted: tuple[str, ...]) -> tuple[str, ...]:
    if len(wanted) > MOST_INDICATORS:
        raise refuse(f"has {len(wanted)}, at most {MOST_INDICATORS} are drawn")
    try:
        return tuple(chart_indicator(words).name for words in wanted)
    except ValueError as error:
        raise refuse(f"{error}") from error


ChartIndicators = Annotated[tuple[str, ...], NoDecode, CommaSeparated, AfterValidator(_indicators)]

Zone = Annotated[str, AfterValidator(_zone)]


class ProjectXSettings(Section):
    """The login of a venue that has none of its own. Only from .env or the environment, never from
    tstream.toml.
    """

    user: str = setting("", "Login name at the gateway (not the e-mail address).")
    key: SecretStr = setting(SecretStr(""), "API key made in the gateway's settings.", reload="live")


def _weights(value: object) -> object:
    return tuple(value.items()) if isinstance(value, dict) else value


class ZoneKeys(DeclaredSection):
    """What the strategy "zones" may be told, wherever that stands."""

    @model_validator(mode="after")
    def _weighs(self) -> Self:
        wrong = alignment_problem(filled(ZoneReactionConfig, self))
        if wrong is not None:
            key, why = wrong
            value = getattr(self, key)
            raise refuse(why, key=key, value=dict(value) if key == "weights" else value)
        return self


zone_keys = keys_of(
    ZoneReactionConfig(),
    weights=Annotated[Weights, NoDecode, BeforeValidator(_weights)],
    veto=Timeframes,
)


@zone_keys
class StrategySettings(ZoneKeys):
    """What makes an idea good enough to trade."""

    name: Literal["zones"] = setting(
        "zones",
        "Which strategy: zones enters where price turns at an order block or at support or resistance, with "
        "the timeframes behind it.",
    )


class ScreenSettings(Section):
    """The cockpit."""

    preset: Literal["normal", "ssh"] = setting("normal", "ssh draws less often, for slow lines.")
    fps: Whole = computed(
        lambda data: 4 if data.get("preset") == "ssh" else 10,
        "Frames a second.",
        default="10; 4 with the preset ssh",
        ge=1,
        le=30,
    )
    theme: str = setting("", "Colour theme; empty takes the first.", reload="live")
    timeframes: Timeframes = setting(
        (),
        "Timeframes of the chart that its keys go through; empty means all.",
        allowed=SOME_TIMEFRAMES,
    )
    indicators: ChartIndicators = setting(
        (),
        f"What charts show over their candles, at most {MOST_INDICATORS}.",
        allowed=f'a list of {INDICATORS}: "ema 20", "bollinger 20 2"',
    )
    bell: bool = setting(True, "Ring the terminal's bell.", reload="live")
    bell_on: BellKinds = setting(
        ("fill", "critical"),
        "For which news it rings: critical is whatever is critical, of any kind.",
        reload="live",
        allowed=f"a list of {', '.join(BELL_KINDS)}",
    )
    quiet_from: ClockTime = setting(
        "",
        "From this time of day on, as the panes show it, only what is critical rings or tells the desktop.",
        reload="live",
        allowed="a time of day such as 22:00, or empty",
    )
    quiet_until: ClockTime = setting(
        "",
        "Until this time of day; earlier than quiet_from means the next day.",
        reload="live",
        allowed="a time of day such as 07:00, or empty",
    )
    timezone: Zone = setting(
        "",
        "Time zone of the times in panes, logs, messages and reports, but for charts and deadlines, which "
        "have their contract's.",
        allowed='a time zone such as "Europe/Helsinki" or "UTC"',
        default="Chicago's where a run has futures, UTC where it has coins alone",
    )
    ladder_qty: Whole = setting(1, "Lots that one key of the ladder places at first.", ge=1, le=1_000_000)
    ladder_stop_ticks: Whole = setting(
        20, "Ticks from the fill to the stop of an entry by the ladder, at first.", ge=1, le=10_000
    )
    ladder_target_ticks: Whole = setting(
        40,
        "Ticks from the fill to its target; 0 for none, which risk.reward_to_risk_min has to allow.",
        ge=0,
        le=10_000,
    )
    keymap: dict[str, str] = setting(
        {},
        'Other keys for actions, by their id: { pause = "f9" }. The help screen lists the ids.',
        allowed="a table of action ids and keys",
    )


@keys_of(
    LogOptions(file=Path()),
    level=Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)],
)
class LogSettings(DeclaredSection):
    """The log: JSON lines on file, and what the log pane and a headless run show."""


class TapeSettings(Section):
    """Recording of everything that reaches the engine, for replay."""

    record: bool = setting(False, "Record a tape of every run.")


class ControlSettings(Section):
    """The local socket for tstream status, flatten, pause and their like, and for cockpits that attach."""

    enabled: bool = setting(True, "Listen for commands of the same user on this machine.")


class ReloadSettings(Section):
    """How settings are read again while tstream runs; `tstream reload` does it in any case."""

    watch: bool = setting(True, "Read them again when a file of theirs has changed.", reload="live")
