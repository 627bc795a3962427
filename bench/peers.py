"""The cross of two averages in another program, run by whatever Python has it:
`python bench/peers.py NAME FILE`. FILE has one bar a line: open, high, low, close, volume.

Writes JSON: seconds, the most memory in MB, the trades as [bar of entry, price, bar of exit, price]. It needs
the standard library and the peer, nothing else: it runs where tstream is not installed.
"""

# mypy: ignore-errors

import json
import resource
import sys
import time

FAST, SLOW = 10, 30


def read(file):
    with open(file, encoding="utf-8") as lines:
        return [[float(part) for part in line.split(",")] for line in lines]


def backtesting(rows):
    import warnings

    import pandas as pd
    from backtesting import Backtest, Strategy

    warnings.filterwarnings("ignore")
    index = pd.date_range("2024-01-01", periods=len(rows), freq="min")
    frame = pd.DataFrame(rows, columns=["Open", "High", "Low", "Close", "Volume"], index=index)

    class Cross(Strategy):
        def init(self):
            def mean(values, length):
                return pd.Series(values).rolling(length).mean()

            self.fast = self.I(mean, self.data.Close, FAST)
            self.slow = self.I(mean, self.data.Close, SLOW)

        def next(self):
            above, was = self.fast[-1] > self.slow[-1], self.fast[-2] > self.slow[-2]
            if above and not was and not self.position:
                self.buy(size=1)
            elif not above and self.position:
                self.position.close()

    test = Backtest(frame, Cross, cash=1e9, commission=0)
    began = time.process_time()
    found = test.run()
    took = time.process_time() - began
    trades = found["_trades"].sort_values("EntryBar")
    columns = (trades[name] for name in ("EntryBar", "EntryPrice", "ExitBar", "ExitPrice"))
    return took, [[int(a), float(b), int(c), float(d)] for a, b, c, d in zip(*columns, strict=True)]


def backtrader(rows):
    from datetime import datetime, timedelta

    import backtrader as bt

    begin = datetime(2024, 1, 1)  # noqa: DTZ001  # its clock has no zone

    class Rows(bt.feed.DataBase):
        params = (("timeframe", bt.TimeFrame.Minutes), ("compression", 1))

        def start(self):
            super().start()
            self.place = 0

        def _load(self):
            if self.place == len(rows):
                return False
            row, lines = rows[self.place], self.lines
            lines.datetime[0] = bt.date2num(begin + timedelta(minutes=self.place))
            lines.open[0], lines.high[0], lines.low[0], lines.close[0], lines.volume[0] = row
            lines.openinterest[0] = 0.0
            self.place += 1
            return True

    trades, entered = [], []

    class Cross(bt.Strategy):
        def __init__(self):
            self.fast = bt.indicators.SMA(self.data.close, period=FAST)
            self.slow = bt.indicators.SMA(self.data.close, period=SLOW)

        def notify_order(self, order):
            if order.status == order.Completed:
                at = [len(self) - 1, order.executed.price]
                if order.isbuy():
                    entered[:] = at
                else:
                    trades.append([*entered, *at])

        def next(self):
            if len(self) <= SLOW:
                return
            above, was = self.fast[0] > self.slow[0], self.fast[-1] > self.slow[-1]
            if above and not was and not self.position:
                self.buy(size=1)
            elif not above and self.position:
                self.close()

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(1e9)
    cerebro.adddata(Rows())
    cerebro.addstrategy(Cross)
    began = time.process_time()
    cerebro.run()
    return time.process_time() - began, trades


PEERS = {"backtesting": backtesting, "backtrader": backtrader}

if __name__ == "__main__":
    name, file = sys.argv[1:]
    seconds, trades = PEERS[name](read(file))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"seconds": seconds, "megabytes": megabytes, "trades": trades}, sys.stdout)
