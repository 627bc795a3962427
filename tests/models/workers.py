"""Workers of every kind, and a model of one tree: for tests and benches."""

from __future__ import annotations

import sys

BEGIN = """
import json, os, sys, time
json.loads(sys.stdin.readline())
print(json.dumps({}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
"""
DOES = {
    "answers": "    print(json.dumps({'id': asked['id'], 'y': 0.5}), flush=True)",
    "hangs": "    time.sleep(100)",
    "crashes": "    os._exit(3)",
    "says NaN": '    print(\'{"id": "%s", "y": null}\' % asked[\'id\'], flush=True)',
    "says a list": "    print(json.dumps({'id': asked['id'], 'y': [0.5, 0.5]}), flush=True)",
    "says nonsense": "    print('\\x00 no json', flush=True)",
    "answers another": "    print(json.dumps({'id': 'other', 'y': 0.5}), flush=True)",
}


def worker(does: str) -> tuple[str, ...]:
    return (sys.executable, "-c", BEGIN + DOES[does])


STUMP = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=Column_0 Column_1
feature_infos=[-3:3] [-3:3]
tree_sizes=300

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=400
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-1 1
leaf_weight=58 24
leaf_count=283 117
internal_value=0
internal_weight=82
internal_count=400
is_linear=0
shrinkage=1


end of trees
"""


def stump(width: int) -> str:
    """The same, which takes so many features and looks at the first."""
    names = " ".join(f"Column_{n}" for n in range(width))
    text = STUMP.replace("max_feature_idx=1", f"max_feature_idx={width - 1}")
    text = text.replace("feature_names=Column_0 Column_1", f"feature_names={names}")
    return text.replace("[-3:3] [-3:3]", " ".join(["[-3:3]"] * width))
