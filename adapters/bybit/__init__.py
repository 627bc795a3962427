"""Bybit V5, unified account: USDT and USDC perpetuals, or spot, one category a venue."""
