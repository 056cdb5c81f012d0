"""PUBLIC_URL and what stands in front of it. What the name resolves to is not asked: from here it may be another."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from config import env
from config.doctor.findings import Finding, error, ok, warning


def look() -> Iterator[Finding]:
    address = urlsplit(settings.PUBLIC_URL)
    if address.hostname in env.LOOPBACK_HOSTS:
        if settings.DEMO:
            yield ok(f"{settings.PUBLIC_URL}: this machine alone.")
        else:
            yield warning(
                f"{settings.PUBLIC_URL}: links in mails and answers lead nowhere from other machines.",
                "Set PUBLIC_URL to the address that customers use.",
            )
        return
    if settings.DEMO:
        yield error(
            f"{settings.PUBLIC_URL}: a demo gives credits to whoever comes by.",
            "Set DEMO=0, or leave PUBLIC_URL out and use it on this machine alone.",
        )
    if address.scheme != "https":
        yield error(
            f"{settings.PUBLIC_URL}: passwords and keys go through the net unencrypted, and passkeys do not work.",
            "Put a proxy with TLS in front and set PUBLIC_URL=https://…",
        )
        return
    if settings.TRUSTED_PROXIES:
        yield ok(f"{settings.PUBLIC_URL}, behind trusted proxies.")
    else:
        yield warning(
            "no proxy is trusted: all visitors count as one for limits, and the proxy's word on https is not heard.",
            "Set TRUSTED_PROXIES to the network that the proxy calls from.",
        )
