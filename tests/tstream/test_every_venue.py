"""Every kind of venue that comes with tstream, looked at on its practice venue as `tstream check` does."""

from __future__ import annotations

import pytest

from tests.tstream.conftest import Reading
from tstream.clock import wall_ns
from tstream.commands.check import findings
from tstream.convert.venues import venue_asked
from tstream.venues import known
from tstream.venues.kind import At

TWINS = known.with_practice(in_runs=True)


@pytest.mark.parametrize("kind", TWINS)
def test_nothing_is_wrong_with_it_at_practice(reading: Reading, kind: str) -> None:
    reading(f'[venues.{kind}]\nat = "practice"')
    found = list(findings(None))
    assert [one for one in found if not one.ok] == []
    assert any(f"prices from {kind}" in one.detail for one in found)


@pytest.mark.parametrize("kind", known.ours())
async def test_its_adapter_has_a_broker_for_each_book_and_shows_no_secret(
    reading: Reading, kind: str
) -> None:
    about = known.kind(kind)
    urls = '\napi_url = "http://127.0.0.1:9"\nrtc_url = "http://127.0.0.1:9"' if about.urls else ""
    place = At.PRACTICE if At.PRACTICE in about.places else At.LIVE
    login = "".join(
        f"TSTREAM_VENUES__{kind.upper().replace('-', '_')}__{key.upper()}=canary-{key}-000\n"
        for key in about.needs
    )
    settings = reading(f'[venues.{kind}]\nat = "{place}"{urls}', login).settings
    asked = venue_asked(settings, kind, wall_ns)
    assert asked.instruments
    venue = about.make(asked)
    try:
        assert [one.book for one in venue.brokers] == [one.book for one in asked.books]
        assert all(broker.capabilities == about.capabilities for broker in venue.brokers)
        assert venue.feed is not None
        shown = f"{asked!r} {venue!r} {vars(venue)!r}"
        assert not [key for key in about.needs if key != "user" and f"canary-{key}" in shown]
    finally:
        await venue.close()
