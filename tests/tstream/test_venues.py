"""Venues, accounts and books in the settings: what is read, what is refused, where a book's history is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from engine.model.config import Brackets, TradingSwitch
from engine.model.orders import Account, AccountKind
from engine.state.position import Position
from engine.state.state import State
from tests.tstream.conftest import Reading
from tstream.convert.books import known_books, left_open, wanted_books
from tstream.convert.risk import account_limits, paper_books
from tstream.errors import SettingsError, UsageError
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.journals import join, journal_name
from tstream.run.startup import prepare
from tstream.settings.load import require_credentials
from tstream.settings.venues import book_name

Complaints = Callable[..., list[str]]

TWO = """
trading = "live"
[venues.topstepx]
[[venues.topstepx.accounts]]
name = "50KTC-V2-1"
book = "one"
[[venues.topstepx.accounts]]
name = "EXPRESS-7"
copy_ratio = 0.5
brackets = "own"
[venues.topstepx.accounts.risk]
daily_loss_usd = 300
account_preset = "topstep_xfa_50k"
[venues.apex]
kind = "projectx"
api_url = "https://api.apex.example"
rtc_url = "https://rtc.apex.example"
accounts = "all"
[[paper]]
enabled = true
[[paper]]
name = "small"
enabled = true
balance_usd = 10000
risk = { max_contracts = 1 }
"""
LOGINS = """
TSTREAM_PROJECTX_USER=bob
TSTREAM_PROJECTX_KEY=canary-1
TSTREAM_VENUES__APEX__USER=eve
TSTREAM_VENUES__APEX__KEY=canary-2
"""


def books(reading: Reading, toml: str) -> list[str]:
    settings = reading(toml).settings
    return [
        book_name(name, venue, account)
        for name, venue in settings.venues.items()
        for account in venue.accounts or (None,)
    ]


def test_accounts_have_what_is_their_own_and_the_rest_of_all(reading: Reading) -> None:
    settings = reading(TWO, LOGINS).settings
    one, two = settings.venues["topstepx"].accounts
    assert (one.copy_ratio, one.brackets) == (Decimal(1), None)
    assert (two.copy_ratio, two.brackets) == (Decimal("0.5"), Brackets.OWN)
    assert account_limits(settings, one.risk).daily_loss_usd == 800
    own = account_limits(settings, two.risk)
    assert (own.daily_loss_usd, own.account_preset, own.max_trades) == (Decimal(300), "topstep_xfa_50k", 40)
    assert settings.venues["apex"].all_accounts is not None
    require_credentials(settings)
    assert settings.login("topstepx")[0] == "bob"
    assert settings.login("apex")[1].get_secret_value() == "canary-2"
    assert set(settings.secret_values()) == {"canary-1", "canary-2"}
    assert "canary" not in repr(settings)
    papers = {book.name: book for book in paper_books(settings)}
    assert {n: b.paper and b.paper.balance_usd for n, b in papers.items()} == {
        "paper": 50_000,
        "small": 10_000,
    }
    risk = papers["small"].risk
    assert (risk.max_contracts, risk.start_balance_usd) == (1, Decimal(10_000))


@pytest.mark.parametrize(
    ("toml", "names"),
    [
        ("", ["practice"]),
        ("[venues.topstepx]", ["topstepx"]),
        ("[venues.topstepx]\naccounts = 26282486", ["topstepx"]),
        (
            '[venues.topstepx]\naccounts = ["50KTC-V2-1", "Express 7"]',
            ["topstepx-50ktc-v2-1", "topstepx-express-7"],
        ),
        ('[venues.topstepx]\naccounts = [{ name = "A" , book = "main" }]', ["topstepx-main"]),
        ("[venues.topstepx]\n[venues.practice]\nenabled = false", ["topstepx", "practice"]),
    ],
)
def test_a_book_is_called_as_its_venue_and_with_several_as_its_account_too(
    reading: Reading, toml: str, names: list[str]
) -> None:
    assert books(reading, toml) == names


def test_a_variable_is_a_venues_own(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSTREAM_VENUES__MY_FIRM__ACCOUNTS", "A, B")
    settings = reading(
        '[venues.my-firm]\nkind = "topstepx"', "TSTREAM_VENUES__MY_FIRM__BRACKETS=own"
    ).settings
    venue = settings.venues["my-firm"]
    assert ([account.name for account in venue.accounts], venue.brackets) == (["A", "B"], "own")


@pytest.mark.parametrize(
    ("toml", "dotenv"),
    [
        ('[venue]\nname = "topstepx"\naccount = 26282486\nbrackets = "own"', ""),
        ("", "TSTREAM_VENUE_NAME=topstepx\nTSTREAM_VENUE_ACCOUNT=26282486\nTSTREAM_VENUE_BRACKETS=own"),
        (
            '[venue]\naccount = "x"\nbrackets = "own"',
            "TSTREAM_VENUE_NAME=topstepx\nTSTREAM_VENUE_ACCOUNT=26282486",
        ),
    ],
    ids=["file", "variables", "both"],
)
def test_a_section_of_before_is_the_one_venue_that_it_means(reading: Reading, toml: str, dotenv: str) -> None:
    now = reading('[venues.topstepx]\naccounts = "26282486"\nbrackets = "own"').settings
    before = reading(toml or "[ui]", dotenv).settings
    assert before.venues == now.venues
    assert before.trading is TradingSwitch.OFF


# What stands in tstream.toml and .env, and the line about it.
WRONG = {
    "old and new": (
        '[venue]\nname = "topstepx"\n[venues.practice]',
        "",
        [
            "venue: is what [venues.NAME] is now: move its keys there, name as kind and account as accounts "
            "(in ~/tstream.toml)"
        ],
    ),
    "old and wrong": (
        '[venue]\nname = "topstepx"\nbracket = "own"',
        "",
        [
            'venues.topstepx.bracket = "own": unknown key; did you mean venues.topstepx.brackets? '
            "(in ~/tstream.toml, where [venue] is read as [venues.topstepx])"
        ],
    ),
    "a name of tstream's": (
        '[venues.paper]\nkind = "topstepx"',
        "",
        ["venues.paper: is a name that tstream itself uses: choose another (in ~/tstream.toml)"],
    ),
    "a name that leads elsewhere": (
        '[venues."../x"]\nkind = "topstepx"',
        "",
        ["venues.../x: must be a short name of small letters, digits and hyphens (in ~/tstream.toml)"],
    ),
    "a label that leads elsewhere": (
        '[[venues.topstepx.accounts]]\nname = "A"\nbook = "../x"',
        "",
        [
            'venues.topstepx.accounts[0].book = "../x": must be a short name of small letters, digits and '
            "hyphens (in ~/tstream.toml)"
        ],
    ),
    "an account without a name": (
        '[[venues.topstepx.accounts]]\nbook = "x"',
        "",
        ["venues.topstepx.accounts[0].name: is needed: text of at most 64 characters (in ~/tstream.toml)"],
    ),
    "an account twice": (
        '[venues.topstepx]\naccounts = ["A", "B", "A"]',
        "",
        [
            'venues.topstepx.accounts[2].name = "A": is named before: an account is one book '
            "(in ~/tstream.toml)"
        ],
    ),
    "two books of one name": (
        '[venues.topstepx]\naccounts = ["A-1", "a 1"]',
        "",
        [
            'venues.topstepx.accounts[1].book = "topstepx-a-1": gives a second book the name topstepx-a-1: '
            "set another book (in ~/tstream.toml)"
        ],
    ),
    "names that begin alike": (
        '[venues.firm]\nkind = "topstepx"\n[venues.firm-2]\nkind = "topstepx"',
        "",
        [
            'venues.firm-2 = "firm-2": begins as firm does, and books could not be told apart: choose '
            "another name (in ~/tstream.toml)"
        ],
    ),
    "two paper books of one name": (
        "[[paper]]\n[[paper]]",
        "",
        ['paper[1].name = "paper": is a book of [paper] already (in ~/tstream.toml)'],
    ),
    "a variable of one of several paper books": (
        '[[paper]]\n[[paper]]\nname = "b"',
        "TSTREAM_PAPER_ENABLED=true",
        ["TSTREAM_PAPER_ENABLED: is about [paper], and there are several [[paper]] (in ~/.env)"],
    ),
    "an account's limits inverted": (
        '[[venues.topstepx.accounts]]\nname = "A"\nrisk = { daily_loss_usd = 100 }',
        "",
        [
            "venues.topstepx.accounts[0].risk.per_trade_usd = 200: must be below risk.daily_loss_usd (100) "
            "(in ~/tstream.toml)"
        ],
    ),
    "an account's limit out of bounds": (
        '[[venues.topstepx.accounts]]\nname = "A"\ncopy_ratio = 99\nrisk = { max_contracts = 9999999 }',
        "",
        [
            "venues.topstepx.accounts[0].copy_ratio = 99: must be a number above 0 and up to 10 "
            "(in ~/tstream.toml)",
            "venues.topstepx.accounts[0].risk.max_contracts = 9999999: must be a whole number from 1 to "
            "1000000 (in ~/tstream.toml)",
        ],
    ),
    "an account's limit misspelt": (
        '[[venues.topstepx.accounts]]\nname = "A"\nrisk = { daily_los_usd = 100 }',
        "",
        [
            "venues.topstepx.accounts[0].risk.daily_los_usd = 100: unknown key; did you mean "
            "venues.topstepx.accounts[0].risk.daily_loss_usd? (in ~/tstream.toml)"
        ],
    ),
    "a login in the file": (
        '[venues.topstepx]\nkey = "canary-9"',
        "",
        [
            "venues.topstepx.key = **********: belongs in .env or the environment, as "
            "TSTREAM_VENUES__TOPSTEPX__KEY (in ~/tstream.toml)"
        ],
    ),
    "a variable of no venue": (
        "[venues.topstepx]",
        "TSTREAM_VENUES__APEX__ENABLED=false\nTSTREAM_VENUES__APEX__KEY=canary-3",
        ['TSTREAM_VENUES__APEX__ENABLED = "false": no venue is called so; known are topstepx (in ~/.env)'],
    ),
    "a variable of no key": (
        "[venues.topstepx]",
        "TSTREAM_VENUES__TOPSTEPX__KEYY=canary-4",
        [
            "TSTREAM_VENUES__TOPSTEPX__KEYY = **********: unknown setting; did you mean "
            "TSTREAM_VENUES__TOPSTEPX__KEY? (in ~/.env)"
        ],
    ),
    "nothing enabled": (
        "[venues.topstepx]\nenabled = false",
        "",
        ["venues: are all disabled: enable one (in ~/tstream.toml)"],
    ),
}


@pytest.mark.parametrize(("toml", "dotenv", "lines"), WRONG.values(), ids=WRONG)
def test_what_can_not_be_is_one_clear_line(
    complaints: Complaints, toml: str, dotenv: str, lines: list[str]
) -> None:
    assert complaints(toml, dotenv) == lines


def test_two_venues_have_two_logins(reading: Reading) -> None:
    two = '[venues.a]\nkind = "topstepx"\n[venues.b]\nkind = "topstepx"'
    with pytest.raises(SettingsError) as caught:
        require_credentials(reading(two, "TSTREAM_PROJECTX_USER=bob\nTSTREAM_PROJECTX_KEY=k").settings)
    assert caught.value.lines == (
        "venues.b: has the login of a: list its accounts there, or give it one of its own, "
        "TSTREAM_VENUES__B__USER and TSTREAM_VENUES__B__KEY",
    )
    with pytest.raises(SettingsError) as caught:
        require_credentials(reading(two, "TSTREAM_VENUES__A__USER=bob\nTSTREAM_VENUES__A__KEY=k").settings)
    assert [line.partition(":")[0] for line in caught.value.lines] == ["venues.b.user", "venues.b.key"]


def test_a_run_takes_the_venues_that_are_enabled_or_named(places: Paths, reading: Reading) -> None:
    reading(
        "[venues.practice]\n[venues.topstepx]\nenabled = false",
        "TSTREAM_PROJECTX_USER=u\nTSTREAM_PROJECTX_KEY=k",
    )
    assert list(prepare(None, RunOptions()).settings.active) == ["practice"]
    named = prepare(None, RunOptions(venue=("topstepx",))).settings
    assert (list(named.active), named.trading) == (["topstepx"], TradingSwitch.OFF)
    with pytest.raises(UsageError, match="no venue is called apex; the settings know practice, topstepx"):
        prepare(None, RunOptions(venue=("apex",)))
    with pytest.raises(UsageError, match="lives in a time of its own"):
        prepare(None, RunOptions(venue=("practice", "topstepx")))


def known(*accounts: tuple[str, str], held: str = "") -> State:
    """A journal's state that knows these books and accounts; one book holds something."""
    state = State()
    for number, (book, account) in enumerate(accounts, 1):
        found = state.kept_book(book)
        found.account = Account(f"{number}", account, AccountKind.LIVE, Decimal(0), can_trade=True)
        if book == held:
            found.positions["MNQ"] = Position("MNQ", qty=1)
    return state


def test_an_account_keeps_the_book_that_the_journal_knows(reading: Reading) -> None:
    """Whatever other accounts join it, and however its number or a label is written now."""
    settings = reading('[venues.topstepx]\naccounts = ["A", "B", "3"]').settings
    state = known(("topstepx", "A"), ("topstepx-old", "Z"), ("topstepx-c", "C"), held="topstepx-old")
    books = known_books(state, "topstepx")
    wanted = wanted_books(settings, "topstepx", books)
    assert [one.book for one in wanted] == ["topstepx", "topstepx-b", "topstepx-c"]
    assert [(one.book, one.account) for one in left_open(state, "topstepx", wanted)] == [
        ("topstepx-old", "Z")
    ]
    assert known_books(state, "apex") == {}


def test_a_books_history_stays_in_one_journal_whatever_venues_run_together(places: Paths) -> None:
    def begin(*venues: str) -> str:
        name = journal_name(places, venues, RunOptions())
        join(places, name, venues)
        places.venue(name).mkdir(exist_ok=True)
        places.journal(name).touch()
        return name

    assert begin("topstepx") == "topstepx"
    assert begin("apex", "topstepx") == "topstepx", "the one that has a history, whichever is named first"
    assert begin("apex") == "topstepx", "alone again it goes on there"
    assert begin("apex", "third") == "topstepx"
    assert begin("third") == "topstepx"
    assert begin("practice") == "practice"
    with pytest.raises(UsageError) as refused:
        begin("practice", "third")
    assert refused.value.lines[0] == "practice and third have journals of their own, and a run writes one:"
    assert len(refused.value.lines) == 4
    assert journal_name(places, ("third",), RunOptions(tape=places.data, contract="ES")) == "tape"
