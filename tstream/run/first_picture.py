"""What the cockpit's first picture shows, kept from the last good start.

Checking the settings takes longer than everything else before the picture. So as long as no source of them
has changed (settings.sources.fingerprint), the picture is drawn from what was kept, and they are checked
behind it. Nothing but the picture is made of this: the engine gets settings that were checked in this run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from adapters.common.files import replace_file
from engine.model.config import TradingSwitch
from engine.model.instrument import Instrument
from engine.model.market import Timeframe
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.view import ContractView, HealthView, SessionPhase, SessionView, View
from tstream.paths import Paths
from tstream.settings.sources import fingerprint

if TYPE_CHECKING:
    from tstream.settings.model import Settings


class FirstPicture(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of the settings that can be seen at once."""

    venue: str
    """As the status bar names it."""
    journal: str
    """Under which name the run is locked."""
    practice: bool
    contracts: tuple[Instrument, ...]
    preset: Literal["normal", "ssh"]
    fps: int
    theme: str
    bell: bool
    bell_on: tuple[str, ...]
    quiet: tuple[str, str]
    timeframes: tuple[Timeframe, ...]
    ladder: tuple[int, int, int]
    """Lots, and ticks of stop and target, of an entry by the ladder."""
    keymap: dict[str, str]
    told_in: str
    """Time zone of log lines."""
    notes: tuple[str, ...] = ()
    """Written before the screen is taken."""


class _Kept(Struct, frozen=True, forbid_unknown_fields=True):
    fingerprint: str
    picture: FirstPicture


def picture_of(settings: Settings, journal: str, notes: tuple[str, ...] = ()) -> FirstPicture:
    """The first picture of settings that were checked, and of a run that writes this journal."""
    ui = settings.ui
    return FirstPicture(
        venue=shown_venues(settings),
        journal=journal,
        practice=settings.practice,
        contracts=settings.instrument_table(),
        preset=ui.preset,
        fps=ui.fps,
        theme=ui.theme,
        bell=ui.bell,
        bell_on=ui.bell_on,
        quiet=(ui.quiet_from, ui.quiet_until),
        timeframes=ui.timeframes,
        ladder=(ui.ladder_qty, ui.ladder_stop_ticks, ui.ladder_target_ticks),
        keymap=dict(ui.keymap),
        told_in=settings.told_in,
        notes=notes,
    )


def shown_venues(settings: Settings) -> str:
    """The venues of a run in the status bar's words."""
    only = list(settings.active) == ["practice"]
    return "practice venue" if only else " + ".join(settings.active)


def may_ask(settings: Settings) -> bool:
    """Whether an account may have to be armed by typing its name, which comes before any picture."""
    return not settings.practice and settings.trading is TradingSwitch.LIVE


def recall(paths: Paths, config: Path | None) -> FirstPicture | None:
    """What was kept, where nothing has changed since; None where the settings have to be read first."""
    try:
        kept = msgspec.json.decode(paths.first_picture.read_bytes(), type=_Kept)
        same = kept.fingerprint == fingerprint(paths, config or paths.settings_file)
    except (OSError, msgspec.MsgspecError):
        return None
    return kept.picture if same else None


def remember(paths: Paths, config: Path | None, picture: FirstPicture | None) -> None:
    """Keep the picture for the next start, or none; on a full disk that start reads the settings first."""
    file = paths.first_picture
    try:
        if picture is None:
            file.unlink(missing_ok=True)
            return
        kept = msgspec.json.encode(_Kept(fingerprint(paths, config or paths.settings_file), picture))
        if file.exists() and file.read_bytes() == kept:
            return
        replace_file(file, kept)
    except OSError:
        return


def blank(picture: FirstPicture) -> View:
    """The View before there is an engine: the contracts' names, and nothing that could be mistaken."""
    return View(
        version=0,
        ts=0,
        mode=AccountKind.PRACTICE if picture.practice else AccountKind.LIVE,
        venue=picture.venue,
        practice_time=picture.practice,
        session=SessionView("", SessionPhase.CLOSED, "--:--:--", "--:--"),
        links=(),
        contracts=tuple(
            ContractView(
                instrument=instrument.symbol,
                name=instrument.symbol,
                description=instrument.description,
                tick_size=instrument.tick_size,
                tick_value_usd=instrument.tick_value_usd,
                decimals=instrument.decimals,
                bid=None,
                ask=None,
                last=None,
                change=None,
                age_ns=None,
                stale=True,
                state=TradingState.ACTIVE,
                position_qty=0,
            )
            for instrument in picture.contracts
        ),
        books=(),
        positions=(),
        orders=(),
        trades=(),
        alignment={},
        notices=(),
        health=HealthView(ok=True, detail="starting"),
        told_in=picture.told_in,
    )
