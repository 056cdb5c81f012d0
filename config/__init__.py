"""Wiring, and what needs several apps at once."""
