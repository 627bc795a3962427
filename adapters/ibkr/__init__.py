"""Interactive Brokers through TWS or IB Gateway, by ib_async: prices, orders, one account."""
