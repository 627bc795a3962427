"""The panes of the cockpit: each turns a ScreenState into the content of one frame."""
