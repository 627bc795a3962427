"""tstream data: recorded bars that are kept by name, for backtests and discovery."""
