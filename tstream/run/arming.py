"""Arming a live account: a person types its name once, before the first entry can be made on it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.files import replace_file
from adapters.common.redaction import printable
from engine.model.config import ArmedAccount
from engine.model.errors import FatalError, PortError
from engine.model.orders import Account, AccountKind
from engine.ports import Clock
from tstream.convert.venues import venue_asked
from tstream.paths import Paths
from tstream.run.claim import host
from tstream.settings.model import Settings


class _Kept(Struct, frozen=True):
    """An account as `armed.json` keeps it: of one gateway, by name and number."""

    name: str
    id: str
    gateway: str


def armed_accounts(folder: Path, venue: str, gateway: str) -> tuple[ArmedAccount, ...]:
    """The accounts of a venue that a person has armed. A file of before knows names alone.

    Raises FatalError for a file that can't be read.
    """
    kept = _kept(folder)
    names = tuple(ArmedAccount(venue, one) for one in kept if isinstance(one, str))
    own = (one for one in kept if isinstance(one, _Kept) and one.gateway == host(gateway))
    return (*names, *(ArmedAccount(venue, one.name, one.id) for one in own))


def _kept(folder: Path) -> tuple[_Kept | str, ...]:
    file = folder / "armed.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=tuple[_Kept | str, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        raise FatalError(f"{file} can't be read ({error}): delete it and arm the account anew") from error


def all_armed(settings: Settings, paths: Paths) -> tuple[ArmedAccount, ...]:
    """The armed accounts of a run's venues. Raises FatalError."""
    real = {name: venue.gateway for name, venue in settings.active.items() if not venue.practice}
    return tuple(
        account
        for name, gateway in real.items()
        for account in armed_accounts(paths.venue(name), name, gateway)
    )


def remember_armed(folder: Path, gateway: str, account: Account) -> None:
    """Keep it for later starts, in place of the bare name that a file of before has. Raises FatalError."""
    new = _Kept(account.name, account.id, host(gateway))
    others = [one for one in _kept(folder) if one not in (new, account.name)]
    replace_file(folder / "armed.json", msgspec.json.encode([*others, new]))


def ask_to_arm(settings: Settings, paths: Paths, clock: Clock, ask: Callable[[str], str] = input) -> None:
    """Before the first live run: show each account and have its name typed. A wrong answer arms nothing.

    Called where money may be at stake (first_picture.may_ask); asks nothing where the venue says that it is a
    practice account. Of several venues, those that can't be asked now are told, and stay unarmed. Raises
    PortError when no account can be looked up.
    """
    real = [
        name
        for name, venue in settings.active.items()
        if not (venue.practice or venue.about.prices_only or venue.prices_only)
    ]
    if not real:
        return
    found = asyncio.run(_accounts_of_all(settings, real, clock))
    failed = {venue: error for venue, error in found.items() if isinstance(error, PortError)}
    if len(failed) == len(real):
        raise next(iter(failed.values()))
    for venue, accounts in found.items():
        if isinstance(accounts, PortError):
            sys.stdout.write(
                f"{venue}: {printable(str(accounts))}; what is not armed there is only watched.\n"
            )
            continue
        where, gateway = f" at {venue}" if len(real) > 1 else "", settings.active[venue].gateway
        for account in accounts:
            _ask_about(account, where, paths.venue(venue), gateway, ask)


def _ask_about(account: Account, where: str, folder: Path, gateway: str, ask: Callable[[str], str]) -> None:
    name = account.name
    if account.kind is AccountKind.PRACTICE:
        return
    armed = [one.id for one in armed_accounts(folder, "", gateway) if one.name == name]
    if account.id in armed or "" in armed:
        if account.id not in armed:
            remember_armed(folder, gateway, account)
        return
    sys.stdout.write(
        f"Account {name!r}{where} is not a practice account: money or an evaluation is at stake.\n"
    )
    if ask("Type its name to let tstream trade on it, or press Enter to only watch: ").strip() == name:
        remember_armed(folder, gateway, account)
    else:
        sys.stdout.write("Not armed: tstream watches, and refuses every entry.\n")


Found = Sequence[Account] | PortError


async def _accounts_of_all(settings: Settings, venues: list[str], clock: Clock) -> dict[str, Found]:
    """The accounts of each venue's books, asked of all venues at once; or why they can't be had."""
    found = await asyncio.gather(*(_accounts(settings, name, clock) for name in venues))
    return dict(zip(venues, found, strict=True))


async def _accounts(settings: Settings, name: str, clock: Clock) -> Found:
    list_them = settings.venues[name].about.accounts
    assert list_them is not None
    try:
        return await list_them(venue_asked(settings, name, clock))
    except PortError as error:
        return error
