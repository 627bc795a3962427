"""The panes of the cockpit: each turns a Scene into the content of one frame."""
