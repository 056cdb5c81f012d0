"""Prices and counts are written in groups of three, with commas; four is how numbers are spoken."""

NUMBER_GROUPING = 3
THOUSAND_SEPARATOR = ","
