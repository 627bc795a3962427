"""`tstream check` of a Bybit venue: a finding for each thing that can be wrong, with its remedy."""

from __future__ import annotations

from msgspec.structs import replace

from adapters.bybit.probe import probe
from adapters.common.finding import Check
from tests.bybit.trading import config_at, twin
from tests.support.instruments import PERPETUAL, SPOT


def wrong(found: list[Check]) -> list[str]:
    return [one.name for one in found if not one.ok]


async def test_all_is_well() -> None:
    async with twin(PERPETUAL) as venue:
        found = await probe(config_at(venue.url, (PERPETUAL,)), venue.now)
    assert [one.name for one in found] == [
        "venue reachable", "clock", "login", "account", "contracts", "position mode",
    ]  # fmt: skip
    assert wrong(found) == []
    assert found[3].detail == "UID 1, PRACTICE, balance 50000 USDT"


async def test_what_is_wrong_is_named_with_a_remedy() -> None:
    async with twin(PERPETUAL) as venue:
        bad_key = await probe(config_at(venue.url, (PERPETUAL,), secret="other"), venue.now)
        assert wrong(bad_key) == ["login"]
        assert "signature" in bad_key[-1].detail
        terms = await probe(config_at(venue.url, (replace(PERPETUAL, root="NONE"),)), venue.now)
        assert wrong(terms) == ["contracts"]
        late = await probe(config_at(venue.url, (PERPETUAL,)), lambda: venue.now() - 20_000_000_000)
        assert wrong(late) == ["clock"]
        assert "behind the venue's" in late[1].detail
    gone = await probe(config_at(venue.url, (PERPETUAL,)), venue.now)
    assert wrong(gone) == ["venue reachable"]
    mixed = await probe(config_at(venue.url, (PERPETUAL, SPOT)), venue.now)
    assert wrong(mixed) == ["instruments"]
    assert all(one.remedy for found in (bad_key, terms, late, gone, mixed) for one in found if not one.ok)
