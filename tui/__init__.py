"""The cockpit: draws the engine's View, sends Commands. Nothing is imported here: start-up stays short."""
