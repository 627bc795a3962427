"""What people read afterwards: journals and runs as statistics, tables and pages.

Not in the engine, which writes no pages, and no adapter, as it knows the engine's trades and statistics.
"""
