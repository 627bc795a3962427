"""The panes: each turns a ScreenState into the content of one frame. Their rows are in `rows/`, by name."""
