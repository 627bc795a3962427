"""Datasets: recorded bars kept by name as Parquet, written and read by duckdb."""
