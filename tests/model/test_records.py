"""Journal records: canonical bytes, there and back, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.errors import JournalError
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType, Slot

KINDS: tuple[type[msgspec.Struct], ...] = get_args(r.AnyRecord)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Any text that can be written as UTF-8: half a surrogate pair can't come out of a decoded message."""


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    match kind:
        case inspect.StructType():
            fields = {field.name: _values(field.type) for field in kind.fields}
            if issubclass(kind.cls, r.Record):
                fields["v"] = st.just(r.VERSION)
            return st.builds(kind.cls, **fields)
        case inspect.EnumType():
            return st.sampled_from(list(kind.cls))
        case inspect.UnionType():
            return st.one_of(*map(_values, kind.types))
        case inspect.VarTupleType():
            return st.lists(_values(kind.item_type), max_size=3).map(tuple)
        case inspect.TupleType():
            return st.tuples(*map(_values, kind.item_types))
        case inspect.DictType():
            return st.dictionaries(_values(kind.key_type), _values(kind.value_type), max_size=3)
        case _:
            return PLAIN[type(kind)]


PLAIN: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.IntType: st.integers(-(2**63), 2**63 - 1),
    inspect.StrType: TEXT,
    inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
    inspect.DecimalType: st.decimals(-(10**9), 10**9, places=6),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_record_comes_back_as_it_was(kind: type[msgspec.Struct]) -> None:
    @settings(max_examples=40)
    @given(_values(inspect.type_info(kind)))
    def there_and_back(record: r.AnyRecord) -> None:
        raw = r.encode(record)
        again = r.decode(raw)
        assert again == record
        assert type(again) is kind
        assert r.encode(again) == raw

    there_and_back()


def test_the_tags_are_the_names_in_the_journal() -> None:
    """Old journals hold these words: a renamed class must keep its tag."""
    assert {kind.__struct_config__.tag for kind in KINDS} == {
        "run_started",
        "clock_found",
        "records_lost",
        "contract_known",
        "account_known",
        "day_rolled",
        "day_marked",
        "balance_marked",
        "bot_out",
        "bot_switched",
        "settings_changed",
        "loosening_answered",
        "command_taken",
        "idea_refused",
        "idea_declined",
        "pattern_ended",
        "plan_opened",
        "plan_changed",
        "order_intended",
        "order_adopted",
        "order_moved",
        "fill_applied",
        "fill_settled",
        "position_adjusted",
        "dust_left",
        "state_changed",
        "flatten_started",
        "reverse_begun",
        "reverse_ended",
        "close_requested",
        "flatten_ended",
        "reconciled",
        "brackets_known",
        "position_fostered",
        "contracts_shifted",
        "equity_noted",
        "excursion_noted",
        "alert_taken",
        "predictor_changed",
        "opinion_formed",
        "opinion_scored",
        "mood_heard",
    }


def test_the_bytes_are_canonical() -> None:
    record = r.DayRolled(ts=7, trade_date="2026-11-16", day_open_ts=5)
    assert (
        r.encode(record) == b'{"record":"day_rolled","ts":7,"v":2,"trade_date":"2026-11-16","day_open_ts":5,'
        b'"calendar":"cme","main":true,"carried":{}}'
    )
    assert r.encode(record) == r.encode(r.decode(r.encode(record)))
    shuffled = b' {"trade_date": "2026-11-16", "day_open_ts": 5, "v": 2, "ts": 7, "record": "day_rolled"} '
    assert r.encode(r.decode(shuffled)) == r.encode(record)


def test_money_keeps_its_cents() -> None:
    known = r.ContractKnown(ts=1, instrument=CME_FUTURES["MNQ"], contract_id="c", name="MNQZ6")
    assert b'"tick_value_usd":"0.50"' in r.encode(known)
    again = r.decode(r.encode(known))
    assert isinstance(again, r.ContractKnown)
    assert str(again.instrument.tick_value_usd) == "0.50"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"record":"day_rolled","ts":7,"v":1,"trade_date":"\xff"}',
        b'{"record":"day_rolled","ts":7,"trade_date":"2026-11-16"}',
        b'{"record":"day_rolled","ts":7,"v":0,"trade_date":"2026-11-16"}',
        b'{"record":"day_rolled","ts":7,"v":-1,"trade_date":"2026-11-16"}',
        b'{"record":"day_rolled","ts":7,"v":"1","trade_date":"2026-11-16"}',
        b'{"record":"day_rolled","ts":"7","v":1,"trade_date":"2026-11-16"}',
        b'{"record":"day_rolled","ts":7,"v":2}',
        b'{"record":"day_rolled","ts":7,"v":1}',
        b'{"record":"day_rolled","ts":7,"v":1,"trade_date":"no day"}',
        b'{"record":"order_intended","ts":7,"v":1}',
        b'[{"v":1}]',
        b'{"record":"never_heard_of","ts":7,"v":1}',
        b'{"ts":7,"v":1}',
        b'{"record":"day_rolled","ts":7,"v":1,"trade_date":"2026-11-16"',
    ],
)
def test_what_is_no_record_is_refused_as_such(raw: bytes) -> None:
    with pytest.raises(JournalError):
        r.decode(raw)


def test_a_record_of_a_newer_program_is_refused_with_a_remedy() -> None:
    raw = b'{"record":"from_the_future","ts":7,"v":3,"what":"unknown"}'
    with pytest.raises(JournalError, match=r"version 3.*update"):
        r.decode(raw)


def test_a_field_that_was_added_later_has_its_default_in_old_records() -> None:
    raw = b'{"record":"order_moved","ts":7,"v":1,"book":"b","client_id":"c","event":"sent"}'
    assert r.decode(raw) == r.OrderMoved(ts=7, book="b", client_id="c", event=r.OrderEvent.SENT)


def test_orders_of_the_first_version_are_read_as_they_were_meant() -> None:
    raw = (
        b'{"record":"order_intended","ts":7,"v":1,"book":"b","client_id":"c","plan_id":"p","leg":1,"slot":"stop",'
        b'"instrument":"MNQ","side":"sell","type":"stop","qty":2,"limit":null,"stop":960,"stop_offset":null,'
        b'"target_offset":null}'
    )
    spec = OrderSpec(Side.SELL, OrderType.STOP, 2, stop=960, reduces=True)
    intended = r.OrderIntended(
        ts=7, book="b", client_id="c", plan_id="p", leg=1, slot=Slot.STOP, instrument="MNQ", spec=spec
    )
    assert r.decode(raw) == intended
    raw = (
        b'{"record":"order_adopted","ts":7,"v":1,"book":"b","client_id":"c","venue_id":"9","instrument":"MNQ",'
        b'"side":"buy","type":"market","qty":1,"plan_id":null,"leg":0,"slot":null}'
    )
    adopted = r.decode(raw)
    assert isinstance(adopted, r.OrderAdopted)
    assert adopted.spec == OrderSpec(Side.BUY, OrderType.MARKET, 1)


@pytest.mark.parametrize("day", ["2026-11-16", "2026-03-09", "2026-11-02", "2026-07-03"])
def test_days_of_the_first_version_opened_when_their_session_did(day: str) -> None:
    """Mondays, days beside a clock change, the eve of a holiday."""
    raw = f'{{"record":"day_rolled","ts":7,"v":1,"trade_date":"{day}"}}'.encode()
    rolled = r.decode(raw)
    assert isinstance(rolled, r.DayRolled)
    assert rolled.day_open_ts == CME.session_bounds(date.fromisoformat(day))[0]
