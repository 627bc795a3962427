"""Three accounts on two venues and a paper book in one run: what is one book's stays that book's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.books.opening import PAPER
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import (
    BreakEven,
    CancelEntries,
    ChangeManual,
    Flatten,
    Halt,
    Pause,
    PlaceManual,
    ReduceManual,
    Resume,
)
from engine.model.config import BookConfig
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.notices import Severity
from engine.model.orders import Account, AccountKind, Slot
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.sizing import ByEquity, ByGrade, ByNotional, Sizing
from tests.support.many_books import (
    ACCOUNTS,
    ALPHA,
    BETA,
    EVERY,
    MNQ,
    ManyBooks,
    at_work,
    book_configs,
    entered,
    stops,
)


def test_one_idea_goes_to_all_books_in_the_settings_order_and_in_one_step() -> None:
    many = entered()
    assert many.entered() == list(EVERY)
    assert len({record.ts for record in many.written(r.PlanOpened)}) == 1
    qty = many.held()["one"]
    assert qty > 0
    assert many.held() == dict.fromkeys(EVERY, qty)
    for name, broker in many.accounts.items():
        assert (broker.held("MNQ"), stops(many, name)) == (qty, qty)


def test_a_book_is_asked_of_what_its_own_venue_lists() -> None:
    many = at_work(sources={"MNQ": (ALPHA,)})
    many.minute()
    many.minute()
    there = {name for name in EVERY if ACCOUNTS.get(name, ALPHA) == ALPHA}
    assert {name for name, qty in many.held().items() if qty} == there < set(EVERY)
    assert not many.written(r.IdeaRefused)


def test_a_flatten_of_everything_asks_each_venue_of_its_own_contracts_and_of_all_that_is_held() -> None:
    coin = replace(MNQ, symbol="BTC", root="BTC")
    many = entered(sources={"MNQ": (ALPHA, BETA), "BTC": (BETA,)}, others={coin: 60_000})
    many.say(Flatten(id="1", source="cli"))
    begun = {one.book: one.instruments for one in many.written(r.FlattenStarted)}
    there = {name: ("MNQ", "BTC") if ACCOUNTS.get(name) != ALPHA else ("MNQ",) for name in EVERY}
    assert begun == there
    unlisted = entered(sources={"MNQ": (ALPHA, BETA)})
    unlisted.core.config.sources["MNQ"] = (ALPHA,)  # type: ignore[index]
    unlisted.say(Flatten(id="1", source="cli", instrument="MNQ"))
    assert {one.book for one in unlisted.written(r.FlattenStarted)} == set(EVERY), "what is held is closed"
    nobody = at_work(sources={"MNQ": ("gamma",)})
    nobody.say(Flatten(id="1", source="cli"))
    assert {one.book for one in nobody.written(r.FlattenStarted)} == set(EVERY)


def test_the_copy_ratio_scales_to_whole_lots_and_says_where_nothing_is_left() -> None:
    roomy = RiskLimits(max_contracts=50)
    many = entered(books=book_configs(roomy, two="0.5", three="0.1", paper="0"))
    full = many.held()["one"]
    assert full > 1
    whys = {record.plan.book: record.plan.size_reason for record in many.written(r.PlanOpened)}
    assert whys["one"].startswith("risk: 200.00 at risk, ")
    assert whys["one"].endswith(f" each: {full}")
    assert whys["two"] == f"{whys['one']}, x 0.5 (copy_ratio): {full // 2}"
    assert many.held() == {"one": full, "two": full // 2, "three": 0, PAPER: 0}
    refused = {record.book: record for record in many.written(r.IdeaRefused)}
    assert refused.keys() == {"three", PAPER}
    assert refused["three"].refusals == (Refusal.COPY_RATIO,)
    assert refused["three"].words == (f"{full} contracts x 0.1 leave 0 (copy_ratio)",)


def test_each_book_sizes_as_it_says_and_the_record_says_why() -> None:
    kinds: dict[str, Sizing] = {
        "one": ByNotional(Decimal(150_000)),
        "two": ByEquity(Decimal(1)),
        "three": ByGrade(),
    }
    roomy = book_configs(RiskLimits(max_contracts=50))
    many = entered(books=tuple(replace(book, sizing=kinds.get(book.name)) for book in roomy))
    # a contract is worth 50,000, and 500 USD of equity are more than the 200 a trade may lose
    assert many.held() == {"one": 3, "two": 9, "three": 3, PAPER: 9}
    whys = {name: plan.plan.size_reason for name in EVERY for plan in many.book(name).plans.values()}
    assert whys["one"] == "notional: a worth of 150000.00, 50000.00 each: 3"
    assert whys["two"].startswith("equity: 1 % of 50000.00 equity: 500.00 at risk, ")
    assert whys["two"].endswith(", at most 9 (risk.per_trade_usd)")
    assert whys["three"] == "grade: score 8.0 is grade A: 3"
    told = {one.book: one.text for one in many.notices if one.signal is not None}
    assert told["one"].endswith(f"entering 3 (test), sized by {whys['one']}")
    assert told["three"].endswith("entering 3 (test)")
    many.restart()
    assert {name: plan.plan.size_reason for name in EVERY for plan in many.book(name).plans.values()} == whys


def test_a_ratio_above_one_stays_within_the_books_own_limits() -> None:
    many = entered(books=book_configs(two="50"))
    assert many.held()["one"] <= many.held()["two"] <= RiskLimits().max_contracts


@pytest.mark.parametrize(
    ("command", "keep"),
    [(Flatten(id="f", book="two"), ("one", "three", PAPER)), (Flatten(id="f"), ())],
    ids=["one", "all"],
)
def test_a_flatten_closes_the_books_that_it_names_and_leaves_the_others_alone(
    command: Flatten, keep: tuple[str, ...]
) -> None:
    many = entered()
    qty = many.held()["one"]
    answer = many.say(command)
    assert answer.startswith("flatten everything in two: " if command.book else "flatten everything: ")
    many.pass_time(6)
    assert many.held() == {name: qty if name in keep else 0 for name in EVERY}
    for name in keep:
        assert (stops(many, name) if name != PAPER else qty) == qty
    ended = {record.book for record in many.written(r.FlattenEnded)}
    assert ended == set(EVERY) - set(keep), "verified on every book that was meant"
    for name in EVERY:
        held_back = many.core.state.restriction(name, "MNQ")
        assert (held_back is None) is (name in keep)


def test_commands_of_one_book_leave_the_others_alone() -> None:
    many = entered()
    assert many.say(Pause(id="1", book="one")).startswith("everything in one: ")
    many.say(Halt(id="2", book="two", instrument="MNQ"))
    states = {name: many.core.state.restriction(name, "MNQ") for name in EVERY}
    assert [found and found.state for found in states.values()] == [
        TradingState.REDUCING, TradingState.HALTED, None, None,
    ]  # fmt: skip
    assert not many.core.entries.against(many.core.books["three"], "MNQ")
    assert many.say(Resume(id="3", book="three")) == "nothing was paused"
    assert "still halted" in many.say(Resume(id="4"))
    assert many.core.state.restriction("one", "MNQ") is None, "without a book it is for all"
    assert many.say(Resume(id="5", book="two", halted=True)).endswith("entries allowed again")
    many.pass_time(5, many.price + 60)
    assert many.say(BreakEven(id="6", instrument="MNQ", book="three")).startswith("three: ")
    moved = {name: {o.stop for o in many.book(name).live_orders() if o.slot is Slot.STOP} for name in EVERY}
    assert moved["one"] == moved["two"] == moved[PAPER] != moved["three"]


@pytest.mark.parametrize("kind", [Flatten, CancelEntries, Pause, Resume, Halt])
def test_an_unknown_book_is_named_with_the_known_ones(kind: type) -> None:
    many = at_work()
    before = many.held(), dict(many.core.state.restrictions)
    assert many.say(kind(id="1", book="four")) == "unknown book four; known: one, two, three, paper"
    assert (many.held(), many.core.state.restrictions) == before


def test_a_flatten_of_all_latches_a_book_that_is_not_connected_yet_and_one_of_a_book_only_that() -> None:
    many = ManyBooks()
    answer = many.say(Flatten(id="1", book="three"))
    assert "account three as soon as it is connected" in answer
    assert {record.book for record in many.written(r.FlattenStarted)} == {"three"}
    many.say(Flatten(id="2"))
    assert {record.book for record in many.written(r.FlattenStarted)} >= set(ACCOUNTS)
    many.connect()
    many.pass_time(6)
    assert not any(many.book(name).flattening for name in EVERY)


def test_a_lock_of_one_book_leaves_the_others_trading() -> None:
    poor = replace(book_configs()[1], risk=RiskLimits(daily_loss_usd=Decimal(150)))
    many = entered(books=(*book_configs()[:1], poor, *book_configs()[2:]))
    many.pass_time(5, many.price - 100)
    assert many.held() == dict.fromkeys(EVERY, 0), "the stops were jumped over"
    locked = {name for name in EVERY if many.core.state.restriction(name, "MNQ") is not None}
    assert locked == {"two"}
    many.pass_time(500, many.price)
    again = [record.plan.book for record in many.written(r.PlanOpened)[len(EVERY) :]]
    assert again == ["one", "three", PAPER]


# --- accounts, months, restarts ----------------------------------------------------------------------------


def test_two_books_never_share_an_account() -> None:
    many = at_work()
    account = many.accounts["one"].account
    many.step(ev.AccountAdopted(ts_recv=many.now, book="two", account=account, venue=ALPHA))
    assert many.book("two").account != account
    assert "the account ONE is traded by the book one already, and not by two too" in many.notices[-1].text
    elsewhere = replace(many.accounts["three"].account, id=account.id)
    fresh = ManyBooks()
    fresh.step(ev.AccountAdopted(ts_recv=fresh.now, book="one", account=account, venue=ALPHA))
    fresh.step(ev.AccountAdopted(ts_recv=fresh.now, book="three", account=elsewhere, venue=BETA))
    assert {"one", "three"} <= fresh.core.books.keys(), "numbers of two venues may be the same"


def test_an_account_that_comes_later_is_told_and_opens_no_book() -> None:
    many = at_work()
    many.step(ev.AccountFound(ts_recv=many.now, venue=BETA, name="50K-9"))
    assert many.notices[-1].text.startswith("beta: the login has the account 50K-9 now, which is in no book")
    assert set(many.core.books) == set(EVERY)


def test_an_account_that_nobody_named_takes_the_template_of_its_venue() -> None:
    limits = RiskLimits(max_contracts=2)
    config = replace(ManyBooks().core.config, templates=(BookConfig(venue=BETA, risk=limits),))
    assert config.book("gamma", ALPHA) is None
    found = config.book("gamma", BETA)
    assert found == BookConfig("gamma", BETA, limits)


def test_months_are_a_venues_own() -> None:
    many = entered()
    month = ev.ContractResolved(
        ts_recv=many.now,
        instrument=many.core.instruments["MNQ"],
        contract_id="beta-h",
        name="MNQH7",
        venue=BETA,
    )
    many.step(month)
    assert many.core.state.month("MNQ", BETA) == ("beta-h", "MNQH7")
    assert many.core.state.month("MNQ", ALPHA) == ("alpha-MNQ", "MNQZ6")
    assert {name for name in EVERY if many.book(name).held_months} == {"three"}
    assert many.core.market.quotes, "alpha prices it, and has not rolled"
    many.restart()
    assert many.core.state.month("MNQ", ALPHA) == ("alpha-MNQ", "MNQZ6")
    assert {name for name in EVERY if many.book(name).held_months} == {"three"}


def test_a_restart_forgets_nothing_of_any_book_and_says_what_it_does_not_serve() -> None:
    many = entered()
    held = many.held()
    many.restart()
    assert many.held() == held
    for name in ACCOUNTS:
        assert stops(many, name) == held[name]
    assert many.core.state.book("three").venue == BETA
    many.configs = tuple(config for config in many.configs if config.name != "three")
    many.restart(connect=False)
    assert "three" not in many.core.books
    said = [notice for notice in many.notices if notice.severity is Severity.CRITICAL]
    assert any("this run does not serve the book three (account THREE)" in notice.text for notice in said)
    assert any(f"{held['three']} MNQ" in notice.text for notice in said)


def test_an_older_journal_names_no_venue_and_goes_on_under_the_settings_one() -> None:
    account = Account("9", "OLD", AccountKind.PRACTICE, Decimal(50_000), can_trade=True)
    old = r.decode(r.encode(r.AccountKnown(ts=1, book="one", account=account)).replace(b',"venue":""', b""))
    assert isinstance(old, r.AccountKnown)
    assert old.venue == ""
    many = ManyBooks()
    many.invariants = type(many.invariants)([old])
    many.restart(connect=False)
    assert many.core.books["one"].config.venue == ALPHA
    many.step(ev.AccountAdopted(ts_recv=many.now, book="one", account=account, venue=ALPHA))
    assert many.book("one").venue == ALPHA


def test_the_new_month_is_not_entered_while_another_book_holds_the_old_one() -> None:
    """One price at a time is gone by, and it is that of the month that is held."""
    many = entered()
    many.say(Flatten(id="two", book="two"))
    many.say(Resume(id="on", book="two"))
    many.pass_time(5)
    assert (many.held()["one"] > 0, many.held()["two"]) == (True, 0)
    for venue in (ALPHA, BETA):
        month = ev.ContractResolved(
            ts_recv=many.now, instrument=MNQ, contract_id=f"{venue}-next", name="MNQH7", venue=venue
        )
        many.step(month)
    many.pass_time(5)

    def refused() -> set[Refusal]:
        return {one.refusal for one in many.core.entries.against(many.core.books["two"], "MNQ")}

    assert Refusal.OLD_MONTH in refused()
    many.say(Flatten(id="rest"))
    many.say(Resume(id="again"))
    many.pass_time(10)
    assert not any(many.held().values())
    assert Refusal.OLD_MONTH not in refused()


def test_one_order_by_hand_goes_into_several_books_and_each_says_its_own() -> None:
    many = at_work()
    many.pass_time(2)
    many.say(Pause(id="p", book=EVERY[1]))
    order = PlaceManual(
        id="all", instrument="MNQ", side=Side.BUY, books=EVERY, sized=True, stop_ticks=40, target_ticks=(80,)
    )
    tried = many.say(replace(order, dry_run=True, id="dry"))
    told = many.core.turn.tried[0] if many.core.turn.tried else None
    assert told is None or len(told.verdicts) == len(EVERY)
    assert tried.count("nothing is placed, and it would be taken") == len(EVERY) - 1
    answer = many.say(order)
    [taken] = [one for one in many.written(r.CommandTaken) if one.command.id == "all"]
    assert [(one.book, one.done, bool(one.plan)) for one in taken.verdicts] == [
        (name, name != EVERY[1], name != EVERY[1]) for name in EVERY
    ]
    assert not taken.done
    assert "entries are paused" in answer
    assert set(many.entered()) == set(EVERY) - {EVERY[1]}
    assert "stands in several books" in many.say(ChangeManual(id="c", order="all", trail_ticks=20))
    assert many.say(order).startswith("taken already")
    many.pass_time(3)
    parts = many.say(ReduceManual(id="r", instrument="MNQ", books=EVERY, qty=1))
    assert parts.count("closing 1 MNQ") == len(EVERY) - 1
    assert f"nothing of MNQ is held in {EVERY[1]}" in parts
