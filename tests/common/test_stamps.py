"""Times of the wire are exact integers, whatever their digits and offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.common import stamps

TIMES = st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9 + 999_999_999)


@pytest.mark.parametrize(
    ("text", "ts"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.0000001+00:00", 100),
        ("1970-01-01T00:00:00.15673+00:00", 156_730_000),
        ("1970-01-01T00:00:01.5", 1_500_000_000),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T19:30:00.000-0430", 0),
        ("0001-01-01T00:00:00+00:00", -62_135_596_800 * 10**9),
        ("2031-10-06T14:29:59.1234567+00:00", 1_949_063_399_123_456_700),
    ],
)
def test_shapes(text: str, ts: int) -> None:
    assert stamps.parse(text) == ts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2031-10-06",
        "2031-10-06T25:00:00Z",
        "2031-10-06T10:60:00Z",
        "2031-13-06T10:00:00Z",
        "2031-02-30T10:00:00Z",
        "2031-10-06T10:00:00.12345678901Z",
        "2031-10-06T10:00:00. 5Z",
        "2031-10-06T1_:00:00Z",
        "٢٠31-10-06T10:00:00Z",
        "2031-10-06T10:00:00Z trailing",
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the text is checked by its kind
        stamps.parse(text)


@pytest.mark.parametrize(
    "rest",
    [":60:00Z", ":1_:00Z", ":00:60Z", ":00:0", ".00:00Z", ":00-00Z", ":٠٠:00Z", ":00:00+01", ":00:00Zz"],
)
def test_an_hour_that_is_known_makes_no_nonsense_good(rest: str) -> None:
    hour = "2031-10-06T11"
    for offset in ("Z", "+00:00", ""):
        assert stamps.parse(f"{hour}:30:05{offset}") - stamps.parse(f"{hour}:00:00{offset}") == 1_805 * 10**9
    assert stamps.parse(f"{hour}:30:05+01:00") == stamps.parse(f"{hour}:30:05Z") - 3_600 * 10**9
    with pytest.raises(ValueError):  # noqa: PT011  the text is checked by its kind
        stamps.parse(f"{hour}{rest}")


@pytest.mark.parametrize("fraction", ["", "1_2", " 12", "+12", "-1", "１２", "²", "1234567890", "12x", "1.2"])
def test_a_second_that_is_known_makes_no_nonsense_good(fraction: str) -> None:
    second = "2031-10-06T10:00:00"
    assert stamps.parse(f"{second}.5+00:00") - stamps.parse(f"{second}Z") == 500_000_000
    with pytest.raises(ValueError):  # noqa: PT011  the text is checked by its kind
        stamps.parse(f"{second}.{fraction}+00:00")


@given(TIMES)
def test_request_times_come_back(ts: int) -> None:
    whole = ts - ts % 100
    assert stamps.parse(stamps.text(ts)) == whole


@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),  # noqa: DTZ001  the offset is added below
    st.integers(0, 7),
    st.integers(-14 * 60, 14 * 60),
)
def test_any_digits_and_offset_agree_with_datetime(moment: datetime, digits: int, offset: int) -> None:
    fraction = f"{moment.microsecond:06}0"[:digits]
    sign, (hours, minutes) = ("-" if offset < 0 else "+"), divmod(abs(offset), 60)
    text = f"{moment:%H:%M:%S}" + (f".{fraction}" if fraction else "") + f"{sign}{hours:02}:{minutes:02}"
    text = f"{moment.date().isoformat()}T{text}"
    seconds = (moment.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) - timedelta(
        minutes=offset
    )
    expected = (seconds.days * 86_400 + seconds.seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)
    assert stamps.parse(text) == expected
    assert stamps.parse(text) == expected  # the second time its second is remembered
