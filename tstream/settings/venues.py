"""The sections [venues.NAME] of tstream.toml: where tstream trades, on which accounts, and how on each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from engine.model.config import Brackets, PaperConfig
from tstream.settings.declared import DeclaredSection, keys_of
from tstream.settings.fields import CommaSeparated, Section, Usd, Whole, need, refuse, setting
from tstream.settings.risk import AccountRisk
from tstream.settings.sections import BaseUrl
from tstream.settings.sizing import Sizings, sizing_key
from tstream.venues import known
from tstream.venues.kind import At, VenueKind

PRACTICE = "practice"
"""The kind, and the usual name, of the built-in practice venue of futures."""

LOGIN_KEYS = ("user", "key", "secret", "passphrase")
"""Keys of a venue that no file may hold."""

ALL = "all"
"""In place of an account's name: every account of the login."""

MOST_BOOKS = 32
"""More books than this in one run are a mistake, and no screen shows them."""

PAPER = "paper"

SCAN = "scan"
"""The paper book of the scanner."""

_TAKEN = {PAPER, SCAN, "tape", "virtual", "check", ALL}
"""Names of folders and books that are no venue's."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
_LONGEST_BOOK = 48


def _short_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise refuse("must be a short name of small letters, digits and hyphens")
    return name


def _venue_name(name: str) -> str:
    if name in _TAKEN:
        raise refuse("is a name that tstream itself uses: choose another")
    return _short_name(name)


def _paper_name(name: str) -> str:
    return name if name == PAPER else _venue_name(name)


def _kind(name: str) -> str:
    try:
        known.kind(name)
    except known.UnknownKindError as error:
        raise refuse(str(error)) from None
    return name


def _account_name(name: str) -> str:
    if not name or len(name) > 64 or not name.isprintable():
        raise refuse("must be the name or number of an account as the venue shows it")
    return name


Kind = Annotated[str, AfterValidator(_kind)]
ShortName = Annotated[str, AfterValidator(_short_name)]
VenueName = Annotated[str, AfterValidator(_venue_name)]
PaperName = Annotated[str, AfterValidator(_paper_name)]
AccountName = Annotated[str, AfterValidator(_account_name)]
BotNames = Annotated[tuple[str, ...], CommaSeparated]


def account_tables(value: object) -> object:
    """A name, several, or tables: always a list of tables. A variable holds names with commas between."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if value.strip() else []
    elif isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, (list, tuple)):
        return value
    return [
        {"name": one} if isinstance(one, (str, int)) and not isinstance(one, bool) else one for one in value
    ]


class AccountSettings(Section):
    """One account of the login: its book, and what is different about it."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # an account's number is text to us

    name: AccountName = setting(
        ...,
        'Name or number of the account; "all" stands for every account of the login that has no table of '
        "its own.",
        allowed="text of at most 64 characters",
    )
    book: ShortName = setting(
        "",
        "What its book is called, behind the venue's name and a hyphen (an account that the journal knows "
        "keeps the name that its book has).",
        allowed="a short name of small letters, digits and hyphens",
        default="the account's name in small letters",
    )
    enabled: bool = setting(True, "Whether it is traded at all. Without, nothing is done on it.")
    copy_ratio: Usd = setting(
        Decimal(1),
        "Its size beside the other books: every trade is so many times as large as its sizing gives it, "
        "and never above the limits.",
        reload="live",
        gt=0,
        le=10,
    )
    brackets: Brackets | None = setting(
        None, "Who keeps stops and targets on this account.", default="the venue's"
    )
    sizing: Sizings | None = sizing_key("How large its trades are.", "that of the run")
    risk: AccountRisk = setting(
        AccountRisk(),
        "Its own limits; account_preset too.",
        reload="live",
        allowed="the keys of [risk]",
        default="those of [risk]",
    )


class VenueLogin(NamedTuple):
    """What logs in at a venue; what is empty is not set."""

    user: str = ""
    key: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    passphrase: SecretStr = SecretStr("")

    def has(self, key: str) -> bool:
        value = getattr(self, key)
        return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)

    @property
    def known_as(self) -> str:
        """What tells it from other logins, and betrays nothing: the user's name, or a digest of the key."""
        if self.user:
            return self.user.casefold()
        key = self.key.get_secret_value()
        return f"key {sha256(key.encode()).hexdigest()[:16]}" if key else ""


class VenueSettings(Section):
    """Where tstream trades. Without any venue it is the built-in practice venue, which needs nothing else."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    kind: Kind = setting(
        ...,
        "What it is: " + "; ".join(f"{name}, {known.kind(name).about}" for name in known.ours()) + ".",
        allowed="one of " + ", ".join(known.ours()) + ", or a kind of another package's",
        default="NAME, where that is one of them",
    )
    at: At | None = setting(
        None,
        "Where it is reached: practice is the built-in one with play money, on loopback; demo is the venue's "
        "own testnet or demo; live is where money is.",
        default="practice where no key is set (of ibkr neither api_url nor accounts), else live",
    )
    enabled: bool = setting(
        True, "Whether runs take it; --venue NAME takes only the ones that are named, enabled or not."
    )
    api_url: BaseUrl = setting(
        "",
        "Base URL of the gateway's REST API. Needed where kind is projectx, known for most others.",
        allowed="a URL such as https://api.example.com",
    )
    rtc_url: BaseUrl = setting(
        "",
        "Base URL of the gateway's real-time hubs. Needed where kind is projectx, known for most others.",
        allowed="a URL such as https://rtc.example.com",
    )
    accounts: Annotated[tuple[AccountSettings, ...], BeforeValidator(account_tables)] = setting(
        (),
        "Accounts to trade, each a book of its own: one name or number, a list of them, "
        '[[venues.NAME.accounts]] tables, or "all". Without it the login\'s only practice account is taken, '
        "never a live one.",
        allowed='a name, a list of names, tables, or "all"',
        max_length=MOST_BOOKS,
    )
    brackets: Brackets = setting(
        Brackets.AUTO,
        "Who keeps stops and targets: auto leaves it to the venue until the account refuses native brackets "
        "once, which is remembered; native asks the venue again; own keeps them as orders of tstream's own.",
    )
    risk: AccountRisk = setting(
        AccountRisk(),
        "Limits of its accounts, which each may have others of.",
        reload="live",
        allowed="the keys of [risk]",
        default="those of [risk]",
    )
    prices_only: bool = setting(
        False,
        "Take its prices and trade on none of its accounts; no login is needed where they are for everybody.",
    )
    retry_seconds: Whole = setting(
        30, "A lost connection is tried again after so many seconds at the latest.", ge=1, le=3600
    )
    user: str = setting(
        "",
        "Login name at the gateway (not the e-mail address). Only from .env or the environment, as "
        "TSTREAM_VENUES__NAME__USER.",
        default="TSTREAM_PROJECTX_USER",
    )
    key: SecretStr = setting(
        SecretStr(""),
        "API key made in the gateway's settings. Only from .env or the environment, as "
        "TSTREAM_VENUES__NAME__KEY.",
        reload="live",
        default="TSTREAM_PROJECTX_KEY",
    )

    secret: SecretStr = setting(
        SecretStr(""),
        "Secret of the API key, where the venue has keys of two parts. Only from .env or the environment, as "
        "TSTREAM_VENUES__NAME__SECRET.",
        reload="live",
    )
    passphrase: SecretStr = setting(
        SecretStr(""),
        "Passphrase of the API key, where the venue asks for one. Only from .env or the environment, as "
        "TSTREAM_VENUES__NAME__PASSPHRASE.",
        reload="live",
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        about = self.about
        if about.urls:
            need(self, "venues.NAME", about.urls, f'where kind is "{self.kind}"')
        for key in ("api_url", "rtc_url"):
            if key not in about.may_say and getattr(self, key):
                other = ', or set kind to "projectx"' if about.shared_login else ""
                raise refuse(
                    f"is known for {self.kind}: leave it out{other}", key=key, value=getattr(self, key)
                )
        if self.place not in about.places:
            raise refuse(
                f"can't be {self.place} where kind is {self.kind}: it has {', '.join(about.places)}",
                key="at",
                value=self.at,
            )
        if self.accounts and about.prices_only:
            raise refuse(f"{self.kind} has prices only: leave them out", key="accounts")
        if not about.several_accounts and (len(self.accounts) > 1 or self.all_accounts is not None):
            raise refuse(f"a login at {self.kind} is one account: name no other", key="accounts")
        return self

    @model_validator(mode="after")
    def _accounts_are_different(self) -> Self:
        names = [account.name for account in self.accounts]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise refuse(
                    "is named before: an account is one book", key=f"accounts[{index}].name", value=name
                )
        return self

    @property
    def about(self) -> VenueKind:
        """What is known of its kind."""
        return known.kind(self.kind)

    @property
    def place(self) -> At:
        """Where it is reached."""
        return self.at or (At.LIVE if self._said_live else self.about.unasked)

    @property
    def _said_live(self) -> bool:
        said = {"key": self.key.get_secret_value(), "api_url": self.api_url, "accounts": self.accounts}
        return At.LIVE in self.about.places and any(said[key] for key in self.about.live_by)

    @property
    def gateway(self) -> str:
        """Whose accounts it has: an address, or a name for where a kind is reached."""
        return self.api_url or (self.kind if self.place is At.LIVE else f"{self.kind} {self.place}")

    @property
    def practice(self) -> bool:
        """Whether this is a built-in venue with play money."""
        return self.place is At.PRACTICE

    @property
    def all_accounts(self) -> AccountSettings | None:
        """How every account of the login is traded, where all are; None where they are named."""
        return next((account for account in self.accounts if account.name == ALL), None)


@keys_of(PaperConfig(), currency=Annotated[str, Field(max_length=10), AfterValidator(str.upper)])
class PaperSettings(DeclaredSection):
    """Play money inside tstream, traded on the same ideas beside the accounts. [risk] holds for it too.
    Several such books are [[paper]] tables, each with a name.
    """

    name: PaperName = setting(
        PAPER,
        "What the book is called; each has its own.",
        allowed="a short name of small letters, digits and hyphens",
    )
    enabled: bool | None = setting(
        None,
        "Whether there is one. Without trading there is none, whatever stands here; one that still holds "
        "something is kept until that has run out.",
        default='true with trading = "paper" outside the practice venue, and where venues have prices only',
    )
    bots: BotNames = setting(
        (),
        "Whose ideas are entered in it, by the names of bots and rooms; empty means everybody's. Those of a "
        "person are in any case.",
        allowed="a list of bots and rooms",
    )
    sizing: Sizings | None = sizing_key("How large its trades are.", "that of the run")
    risk: AccountRisk = setting(
        AccountRisk(),
        "Its own limits.",
        reload="live",
        allowed="the keys of [risk]",
        default="those of [risk]",
    )


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, (Mapping, PaperSettings)) else value


PaperBooks = Annotated[tuple[PaperSettings, ...], BeforeValidator(_one_or_several)]


def _is_kind(name: object) -> bool:
    return isinstance(name, str) and known.is_known(name)


def with_kinds(value: object) -> object:
    """A venue that is called as a kind is of that kind."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: {"kind": name, **table} if isinstance(table, Mapping) and _is_kind(name) else table
        for name, table in value.items()
    }


Venues = Annotated[dict[VenueName, VenueSettings], BeforeValidator(with_kinds)]


def book_name(venue: str, settings: VenueSettings, account: AccountSettings | None) -> str:
    """What the book of an account is called: as its venue, where that has one account only."""
    if account is None or (len(settings.accounts) == 1 and account.name != ALL and not account.book):
        return venue
    return f"{venue}-{account.book or small(account.name)}"[:_LONGEST_BOOK]


def small(name: str) -> str:
    """An account's name as part of a book's: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def book_problem(
    venues: Mapping[str, VenueSettings], paper: tuple[PaperSettings, ...]
) -> tuple[str, str, str] | None:
    """What is wrong with the books of a run together: key, sentence, name. None where nothing is."""
    names: dict[str, str] = {}
    for venue, settings in venues.items():
        for other in venues:
            if venue.startswith(f"{other}-"):
                why = f"begins as {other} does, and books could not be told apart: choose another name"
                return f"venues.{venue}", why, venue
        for index, account in enumerate(settings.accounts or (None,)):
            key = f"venues.{venue}.accounts[{index}].book" if account is not None else f"venues.{venue}"
            name = book_name(venue, settings, account)
            if name in names:
                return key, f"gives a second book the name {name}: set another book", name
            names[name] = key
    for index, one in enumerate(paper):
        if one.name in names:
            return f"paper[{index}].name", f"is a book of {names[one.name]} already", one.name
        names[one.name] = "[paper]"
    if len(names) > MOST_BOOKS:
        return "venues", f"have {len(names)} books with those of [paper]; {MOST_BOOKS} is the most", ""
    return None
