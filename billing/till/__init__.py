"""A stand-in for Stripe, a process of its own: people pay there without money, tests speak to it by the real library.

It imports nothing of the shop. See docs/till.md for what it proves and what it does not.
"""
