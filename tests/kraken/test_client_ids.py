"""Client ids go out in a form that the venue takes, and come back as they were."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kraken.client_ids import LONGEST_PLAIN, inward, outward
from engine.model.errors import RefusedError

PARTS = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


@given(PARTS, PARTS.filter(lambda text: len(text) < 5), PARTS.filter(lambda text: len(text) < 7))
def test_the_way_back_is_exact(install: str, boot: str, seq: str) -> None:
    ours = f"ts-{install}-{boot}-{seq}"
    sent = outward(ours)
    assert len(sent) <= LONGEST_PLAIN or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sent)
    assert inward(sent) == ours
    assert inward(sent.replace("-", "") if len(sent) == 36 else sent) == ours


@given(st.uuids(version=4))
def test_what_others_named_stays_as_it_is(other: uuid.UUID) -> None:
    assert inward(str(other)) == str(other)


@pytest.mark.parametrize("odd", [None, ""])
def test_no_id_is_none(odd: str | None) -> None:
    assert inward(odd) is None


@pytest.mark.parametrize(
    "odd", ["", "ts-" + "a" * 30, "x" * 19, "ts-ABCDEFGHIJKLMNOPQR", "ts-ünïcödé-1-1-and-more"]
)
def test_what_cannot_be_carried_is_refused(odd: str) -> None:
    with pytest.raises(RefusedError):
        outward(odd)
