"""A ProjectX venue on loopback, to practise on and to test against.

Data goes one way: market (prices, contracts, hours) -> exchange (orders, positions, money, time) -> wire
(REST, hubs, JSON) -> faults (what goes wrong, and what people do past the API) -> practice (all of it put
together) -> server (a process of its own). Nobody imports from the right. Where something on the right acts
on something on its left, it plugs itself in: `Exchange.connect` (who tells the world), `Hub.on_subscribed`
(the publisher), `TradingStatus.interceptor` and `Hub.accepts` (faults).
"""
