"""Products by the venue's names and by those of charts."""

from __future__ import annotations

import pytest

from adapters.kraken.symbols import display_alias, venue_symbol


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT.P", "PF_XBTUSD"),
        ("btcusd.p", "PF_XBTUSD"),
        ("ETHUSDC.P", "PF_ETHUSD"),
        ("SOLUSDTPERP", "PF_SOLUSD"),
        ("PF_XBTUSD", "PF_XBTUSD"),
        (" pf_ethusd ", "PF_ETHUSD"),
        ("FF_XBTUSD_261225", "FF_XBTUSD_261225"),
        ("BTCUSDT", "BTCUSDT"),
    ],
)
def test_venue_symbols(name: str, symbol: str) -> None:
    assert venue_symbol(name) == symbol


@pytest.mark.parametrize(
    ("symbol", "alias"),
    [
        ("PF_XBTUSD", "BTCUSDT.P"),
        ("PF_SOLUSD", "SOLUSDT.P"),
        ("PI_XBTUSD", "PI_XBTUSD"),
        ("FF_XBTUSD_261225", "FF_XBTUSD_261225"),
    ],
)
def test_aliases_lead_back(symbol: str, alias: str) -> None:
    assert display_alias(symbol) == alias
    assert venue_symbol(alias) == symbol
