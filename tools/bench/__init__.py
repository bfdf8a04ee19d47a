"""Benchmarks: `python -m tools.bench` lists them; each prints a table and can write JSON."""
