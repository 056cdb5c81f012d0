"""The operators' desk for what is sold and who makes it."""

from generations.admin import records, rules, upstreams  # noqa: F401 - they register themselves
