"""python -m adapters.simulator"""

from __future__ import annotations

import sys

from adapters.simulator.server import main

sys.exit(main(sys.argv[1:]))
