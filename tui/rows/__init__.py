"""Pure functions from a ScreenState to rows of (text, style name). Nothing here knows a screen library.

The rows of the panes in `panes/NAME.py` are in `rows/NAME.py`; those of bars, which belong to no pane, in
`rows/bars/`. `limits`, `links` and `room_messages` are parts of several; `shared` holds common looks.
"""
