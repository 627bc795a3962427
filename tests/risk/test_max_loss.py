"""The trailing floor at work: end-of-day balances, conservative equity, a lock without an end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.commands import Resume
from engine.model.market import MINUTE, NANOS
from engine.model.orders import Account, AccountKind
from engine.model.restrictions import TradingState
from engine.portfolio.money import equity_usd
from engine.risk.guards import QUIET_NS
from tests.support.books import BOOK
from tests.support.guarded_book import ROLL, TEN, TRAILING, GuardedBook, kinds, new_day, said

# --- the maximum loss --------------------------------------------------------------------------------------


def _balances(guarded: GuardedBook) -> list[Decimal]:
    return [rec.balance_usd for rec in guarded.book.journal if isinstance(rec, r.BalanceMarked)]


def _headroom(guarded: GuardedBook) -> Decimal:
    guarded.opened.orders.balance_usd = guarded.balance
    found = guarded.opened.guards.figures().headroom_usd
    assert found is not None
    return found


def test_the_floor_follows_the_end_of_the_day_and_not_the_day() -> None:
    """500 USD won in a day: the floor rises at 17:00 only, and stays when they are lost again."""
    guarded = GuardedBook(TRAILING)
    guarded.look()
    assert _headroom(guarded) == 2000
    guarded.lose(-1000)
    assert _headroom(guarded) == 2500
    guarded.look()
    new_day(guarded, "2026-11-17", ROLL)
    guarded.look()
    assert _headroom(guarded) == 2000
    guarded.lose(1000, plan_id="back")
    new_day(guarded, "2026-11-18", ROLL + 24 * 60 * MINUTE)
    guarded.look()
    assert _headroom(guarded) == 1500
    assert _balances(guarded) == [50_000, 50_500, 50_000]
    guarded.lose(-5000, plan_id="up")
    new_day(guarded, "2026-11-19", ROLL + 48 * 60 * MINUTE)
    guarded.look()
    assert _headroom(guarded) == 2500  # the floor has reached the start and stands


def test_a_balance_is_noted_once_a_day_when_it_can_be_trusted() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.opened.orders.inquiry.reconciled = False
    guarded.look()
    assert _balances(guarded) == []
    guarded.opened.orders.inquiry.reconciled = True
    guarded.book.state.last_fill_ts = guarded.book.now - NANOS
    guarded.look()
    assert _balances(guarded) == []
    guarded.book.at(guarded.book.now + QUIET_NS)
    guarded.look()
    guarded.look()
    assert _balances(guarded) == [50_000]


def test_a_first_look_in_the_middle_of_a_day_finds_the_balance_that_it_began_with() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.lose(400)
    guarded.book.wait(MINUTE)
    guarded.look()
    assert _balances(guarded) == [50_000]


def test_equity_takes_longs_at_the_bid_and_pays_for_the_exit() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.look()
    guarded.book.entered(TEN, price=1000)
    guarded.look(900)
    state = guarded.book.turn.state
    assert equity_usd(guarded.book.state, state, guarded.marks, guarded.balance) == Decimal("49493.90")
    assert _headroom(guarded) == Decimal("1493.90")


def test_the_lower_of_the_venues_balance_and_ours_counts() -> None:
    """A report that is late must not hide a loss, nor ours one that the venue knows of."""
    guarded = GuardedBook(TRAILING)
    guarded.look()
    guarded.lose(1000)
    guarded.balance = Decimal(50_000)
    assert _headroom(guarded) == 1500
    guarded.balance = Decimal(49_000)
    assert _headroom(guarded) == 1000


def test_the_maximum_loss_locks_without_an_end_until_its_settings_are_changed() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.look()
    guarded.book.entered(TEN, price=1000)
    guarded.look(623)
    assert guarded.state() is TradingState.REDUCING
    told = guarded.look(621)
    assert kinds(told)[:2] == [r.StateChanged, r.FlattenStarted]
    assert guarded.standing is not None
    assert guarded.standing.until is None
    for n in range(1, 4):
        new_day(guarded, f"2026-11-{16 + n}", ROLL + (n - 1) * 24 * 60 * MINUTE)
        guarded.look(621)
        assert guarded.state() is TradingState.LOCKED
    assert "still locked, maximum loss limit" in said(guarded, Resume(id="1", halted=True))
    guarded.configure(replace(TRAILING, max_loss_usd=Decimal(4000)))
    guarded.look(621)
    assert guarded.state() is TradingState.ACTIVE


def test_a_change_that_does_not_help_locks_again_at_once() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.look()
    guarded.lose(3900)
    guarded.look()
    guarded.configure(replace(TRAILING, max_loss_usd=Decimal(1990)))
    assert kinds(guarded.look())[:2] == [r.StateChanged, r.StateChanged]
    assert guarded.state() is TradingState.LOCKED


def test_other_settings_do_not_lift_it() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.look()
    guarded.lose(3900)
    guarded.look()
    guarded.configure(replace(TRAILING, max_trades=7, daily_loss_usd=Decimal(9000)))
    assert kinds(guarded.look()) == []
    assert guarded.state() is TradingState.LOCKED


@pytest.mark.parametrize(("balance", "start"), [("50000", 50_000), ("0", 0), ("-1200", 0), ("48500", 50_000)])
def test_a_funded_accounts_floor_is_in_the_frame_of_its_balance(balance: str, start: int) -> None:
    """A floor of -2000 beside a balance of 50,000 would never act."""
    limits = replace(TRAILING, max_loss_usd=None, account_preset="topstep_xfa_50k")
    guarded = GuardedBook(limits, balance=balance)
    guarded.look()
    assert _headroom(guarded) == Decimal(balance) - start + 2000


def test_a_high_from_before_tstreams_time_and_a_fixed_floor_can_be_told() -> None:
    for changes, headroom in (
        ({"high_balance_usd": Decimal(51_500)}, 500),
        ({"floor_fixed": True}, 0),
        ({"start_balance_usd": Decimal(49_000)}, 2000),
    ):
        guarded = GuardedBook(replace(TRAILING, **changes))
        guarded.look()
        assert _headroom(guarded) == headroom, changes


def test_another_account_begins_with_a_floor_of_its_own() -> None:
    guarded = GuardedBook(TRAILING)
    guarded.look()
    guarded.lose(-4000)
    new_day(guarded, "2026-11-17", ROLL)
    guarded.look()
    other = Account("2", "PRAC-2", AccountKind.PRACTICE, Decimal(10_000), can_trade=True)
    guarded.book.write(r.AccountKnown(ts=guarded.book.now, book=BOOK, account=other))
    guarded.configure(TRAILING)  # the core opens the book anew
    guarded.balance = Decimal(10_000)
    guarded.look()
    assert _headroom(guarded) == 2000
