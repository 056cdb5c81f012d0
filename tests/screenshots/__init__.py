"""`python -m tests.screenshots`: every page as it looks, for people to look at."""
