"""Texts of rows to numbers, and the complaints about those that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tapes.fields import FieldError, PriceColumn, millis_of_day, size, timestamp
from engine.model.instrument import CME_FUTURES

NOON = 1_709_899_200 * 10**9
"""2024-03-08T12:00:00Z in nanoseconds."""


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-08T12:00:00Z",
        "2024-03-08 12:00:00+00:00",
        "2024-03-08T06:00:00-06:00",
        "2024-03-08T12:00:00.000Z",
        "1709899200",
        "1709899200.0",
        "1709899200000",
        "1709899200000000",
        "1709899200000000000",
    ],
)
def test_a_time_may_be_iso_with_offset_or_an_epoch_number(text: str) -> None:
    assert timestamp(text) == NOON


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("2024-03-08T12:00:00.123456789Z", 123_456_789),
        ("2024-03-08T12:00:00.5+00:00", 500_000_000),
        ("1709899200.25", 250_000_000),
        ("1709899200123.5", 123_500_000),
        ("1709899200000000001", 1),
    ],
)
def test_fractions_of_seconds_are_exact(text: str, nanos: int) -> None:
    assert timestamp(text) == NOON + nanos


@given(
    st.datetimes(min_value=datetime(1973, 4, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_any_iso_time_of_any_zone_is_read_exactly(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert timestamp(moment.isoformat()) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2024-03-08T12:00:00", "has no offset from UTC"),
        ("yesterday", "time 'yesterday' is neither ISO-8601 nor an epoch number"),
        ("", "time '' is neither ISO-8601 nor an epoch number"),
        ("20240308", "too small for an epoch number"),
        ("-5000000000", "out of range"),
        ("9999-01-01T00:00:00Z", "out of range"),
        ("9" * 100, "is not a time"),
        ("\x1b[31m2024", r"'\\x1b\[31m2024'"),
    ],
)
def test_what_is_no_time_is_named(text: str, problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        timestamp(text)


def test_prices_become_ticks_exactly() -> None:
    gold = PriceColumn(CME_FUTURES["GC"])
    assert [gold[text] for text in ("1313.7", "1313.70", "1314", " 0.1")] == [13137, 13137, 13140, 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("abc", "price 'abc' is not a number"),
        ("", "price '' is not a number"),
        ("nan", "price 'nan' is not a number"),
        ("1e5", "price '1e5' is not a number"),
        ("1_000", "price '1_000' is not a number"),
        ("٣", "is not a number"),
        ("1676.3", "price 1676.3 is not a multiple of ES's tick 0.25"),
        ("0", "price '0' is out of range"),
        ("-1676.25", "price '-1676.25' is out of range"),
        ("9" * 30, "is out of range"),
        ("9" * 300, "is out of range"),
    ],
)
def test_what_is_no_price_is_named(text: str, problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        PriceColumn(CME_FUTURES["ES"])[text]


def test_sizes_are_whole_and_not_negative() -> None:
    assert [size(text) for text in ("0", "12", "12.0", "+3")] == [0, 12, 12, 3]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-3", "size -3 is negative"),
        ("1.5", "size '1.5' is not whole"),
        ("many", "size 'many' is not a number"),
        ("", "size '' is not a number"),
        ("9" * 25, "is out of range"),
    ],
)
def test_what_is_no_size_is_named(text: str, problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        size(text)


def test_milliseconds_stay_inside_their_day() -> None:
    assert millis_of_day("86399999") == 86_399_999
    for text in ("86400000", "-1", "1.5", "", "999999999"):
        with pytest.raises(FieldError, match="time"):
            millis_of_day(text)
