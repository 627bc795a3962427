"""Arming a live account: a person types its name once, before the first entry can be made on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from adapters.common.files import replace_file
from adapters.projectx.config import ProjectXConfig
from adapters.projectx.venue import ProjectXVenue
from engine.model.config import TradingSwitch
from engine.model.errors import FatalError
from engine.ports import Clock
from tstream.convert.venues import projectx_config
from tstream.paths import Paths
from tstream.settings.model import Settings

PRACTICE_PREFIX = "PRAC-"
"""Names of practice accounts begin like this; every other account counts as live."""


def armed_accounts(folder: Path) -> tuple[str, ...]:
    """Names of the accounts that a person has armed. Raises FatalError for a file that can't be read."""
    file = folder / "armed.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=tuple[str, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        raise FatalError(f"{file} can't be read ({error}): delete it and arm the account anew") from error


def remember_armed(folder: Path, account: str) -> None:
    armed = sorted({*armed_accounts(folder), account})
    replace_file(folder / "armed.json", msgspec.json.encode(armed))


def ask_to_arm(settings: Settings, paths: Paths, clock: Clock, ask: Callable[[str], str] = input) -> None:
    """Before the first live run: show the account and have its name typed. A wrong answer arms nothing.

    Asks nothing where no money is at stake: on the practice venue, on a practice account, with trading not
    live. Raises PortError when the account can't be looked up.
    """
    if settings.venue.practice or settings.trading is not TradingSwitch.LIVE:
        return
    folder = paths.venue(settings.venue.name)
    account = asyncio.run(_account_name(projectx_config(settings), clock))
    if account.startswith(PRACTICE_PREFIX) or account in armed_accounts(folder):
        return
    sys.stdout.write(f"Account {account!r} is not a practice account: money or an evaluation is at stake.\n")
    if ask("Type its name to let tstream trade on it, or press Enter to only watch: ").strip() == account:
        remember_armed(folder, account)
    else:
        sys.stdout.write("Not armed: tstream watches, and refuses every entry.\n")


async def _account_name(config: ProjectXConfig, clock: Clock) -> str:
    venue = ProjectXVenue(config, clock)
    try:
        return (await venue.choose_account()).name
    finally:
        await venue.close()
