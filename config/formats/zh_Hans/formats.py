"""Prices and counts are written in groups of three; four is how numbers are spoken."""

NUMBER_GROUPING = 3
