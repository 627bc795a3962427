from __future__ import annotations

import os

# Textual reads these when it is first imported; pictures must not depend on the machine.
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
os.environ.pop("NO_COLOR", None)
