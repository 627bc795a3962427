"""From settings to the plain values that engine and adapters take."""
