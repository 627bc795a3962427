"""One fit and single predictions of a learner, in a process of its own so that its memory is its own:
`python bench/training_peer.py NAME ROWS COLUMNS`. Writes JSON. It needs numpy and the learner, nothing else:
it runs where tstream is not installed.
"""

# mypy: ignore-errors

import json
import os
import resource
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
ASKED = 2_000
"""Single rows."""


def lightgbm(x, y):
    import lightgbm

    how = {
        "objective": "binary", "num_leaves": 16, "learning_rate": 0.03, "min_data_in_leaf": len(y) // 200,
        "max_bin": 63, "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    began = time.process_time()
    model = lightgbm.train(how, lightgbm.Dataset(x, y, params={"verbose": -1}), num_boost_round=160)
    took = time.process_time() - began
    return took, lambda row: float(model.predict(row, num_threads=1)[0]), lightgbm.__version__


def sklearn(x, y):
    import sklearn
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=160, learning_rate=0.03, max_leaf_nodes=16, min_samples_leaf=len(y) // 200, max_bins=63,
        early_stopping=False, random_state=1,
    )  # fmt: skip
    began = time.process_time()
    model.fit(x, y)
    took = time.process_time() - began
    return took, lambda row: float(model.predict_proba(row)[0, 1]), sklearn.__version__


def deep(x, y):
    """The product's own, which sees twelve rows: this one needs tstream."""
    from array import array
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1]))
    import torch

    from adapters.models.deep.learner import DeepNets, DeepTable, ask_one

    count, before = len(y), 11
    pasts = array("i", (n - k if n >= k else -(2**31) for n in range(count) for k in range(before, 0, -1)))
    table = DeepTable(array("d", x.ravel()), array("d"), pasts, x.shape[1], ["MES"] * count)
    nets = DeepNets(table, [bool(one) for one in y], [2.5 * one - 1 for one in y], 1)
    began = time.process_time()
    model = nets.fit(range(count), [1.0] * count, hidden=16, passes=12, rate=0.02, dropout=0.1)
    took = time.process_time() - began
    ask, past = ask_one(model.body()), [row.tolist() for row in x[:before]]
    return took, lambda row: ask([*past, row[0].tolist()], "MES"), torch.__version__


def main(name, rows, columns):
    import numpy

    chance = numpy.random.default_rng(1)
    x = chance.normal(size=(rows, columns))
    y = (chance.random(rows) < 0.4 + 0.15 * (x[:, 0] > 0) - 0.1 * (x[:, 1] > 0)).astype(float)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fit_s, ask, version = {"lightgbm": lightgbm, "sklearn": sklearn, "deep": deep}[name](x, y)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for n in range(50):
        ask(x[n : n + 1])
    took = []
    for n in range(ASKED):
        row = x[n : n + 1]
        began = time.thread_time()
        ask(row)
        took.append(time.thread_time() - began)
    took.sort()
    brier = sum((ask(x[n : n + 1]) - y[n]) ** 2 for n in range(500)) / 500
    found = {
        "version": version, "fit_s": fit_s, "p50_ms": 1000 * took[len(took) // 2],
        "p99_ms": 1000 * took[len(took) * 99 // 100], "memory_mb": memory, "data_mb": before, "brier": brier,
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
