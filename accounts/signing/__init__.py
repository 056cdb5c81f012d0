"""Signing up and in, with django-allauth: what of it is the shop's own (docs/decisions/0016-people-sign-in.md)."""
