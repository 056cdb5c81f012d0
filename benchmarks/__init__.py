"""Comparisons that print ratios: `python -m benchmarks`."""
