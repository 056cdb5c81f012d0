"""Years of business in a second: rows as the product would have left them, written by SQL alone."""

from django.db import connection

from accounts.access import Access
from billing.models import Wallet
from generations.models import Generation
from tests.makers import PRICE_CREDITS

FAILS_EVERY = 10
DAYS = 60  # longer than images are kept

NUMBERS = """
WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
"""
GENERATIONS = """
INSERT INTO generations_generation (task_id, organization_id, key_id, model_id, livemode, n, price_credits, prompt,
    aspect_ratio, width, height, requested_seed, seed, output_format, status, progress, error_type, claim, submitted,
    rings, dispatch_after, deadline_at, created_at, started_at, finished_at, request_digest)
{numbers}
SELECT 'task_' || '0000000000000000' || CAST(1000000000 + n AS text), {organization}, {key}, {model}, {yes}, 1, {price},
    'a lighthouse at dusk, the sea calm, number ' || n, '16:9', 1280, 720, '-1', n, 'jpeg',
    CASE WHEN n % {fails} = 0 THEN 'failed' ELSE 'succeeded' END, 100,
    CASE WHEN n % {fails} = 0 THEN 'generation_failed' ELSE '' END, 1, {yes},
    0, {then}, {then}, {then}, {then}, {then}, '{digest}'
FROM numbers
"""
HOLDS = """
INSERT INTO billing_ledgerentry (wallet_id, kind, available, held, owed, value_micros, reference, actor, created_at)
SELECT {wallet}, 'hold', -price_credits, price_credits, 0, 0, 'generation:' || task_id, 'system', created_at
FROM generations_generation g WHERE {new} ORDER BY g.id
"""
SETTLEMENTS = """
INSERT INTO billing_ledgerentry (wallet_id, kind, available, held, owed, value_micros, reference, actor, created_at)
SELECT {wallet}, CASE WHEN status = 'failed' THEN 'release' ELSE 'capture' END,
    CASE WHEN status = 'failed' THEN price_credits ELSE 0 END, -price_credits, 0, 0,
    'generation:' || task_id, 'system', finished_at
FROM generations_generation g WHERE {new} ORDER BY g.id
"""
ATTEMPTS = """
INSERT INTO generations_attempt (generation_id, number, provider, upstream_task_id, submitted_at, finished_at, outcome,
    detail, cost_micros)
SELECT id, 1, 'sandbox', '', started_at, finished_at, CASE WHEN status = 'failed' THEN 'failed' ELSE 'ok' END, '', 0
FROM generations_generation g WHERE {new} ORDER BY g.id
"""
IMAGES = """
INSERT INTO generations_image (public_id, generation_id, "index", storage_key, content_type, width, height, byte_size,
    sha256, created_at, deleted_at)
SELECT 'img_' || substr(task_id, 6), id, 0, task_id || '/1/0.jpeg', 'image/jpeg', 1280, 720, 100000, '{digest}',
    created_at, CASE WHEN created_at < {kept_since} THEN created_at END
FROM generations_generation g WHERE {new} AND status = 'succeeded' ORDER BY g.id
"""
WALLET = "UPDATE billing_wallet SET available = available - {spent} WHERE id = {wallet}"
USAGE = """
INSERT INTO billing_keyusage (key_id, open_tasks, day_credits, month_credits, lifetime_credits)
VALUES ({key}, 0, 0, 0, {spent}) ON CONFLICT (key_id)
DO UPDATE SET lifetime_credits = billing_keyusage.lifetime_credits + excluded.lifetime_credits
"""


def fill(access: Access, count: int) -> None:
    """`count` ended generations by this live key, over the last DAYS days, one of FAILS_EVERY failed, with all that
    belongs to them. The organization must have the credits.
    """
    assert access.key
    first = Generation.objects.count() + 1
    last = first + count - 1
    postgresql = connection.vendor == "postgresql"
    back_s = f"(({last} - n) * {DAYS * 86_400 / count:.6f} + 60)"
    names = {
        "numbers": NUMBERS.format(first=first, last=last),
        "organization": access.organization.pk,
        "key": access.key.pk,
        "model": "(SELECT MIN(id) FROM generations_imagemodel)",
        "wallet": Wallet.objects.get(organization=access.organization).pk,
        "price": PRICE_CREDITS,
        "spent": PRICE_CREDITS * (count - (last // FAILS_EVERY - (first - 1) // FAILS_EVERY)),
        "yes": "TRUE" if postgresql else "1",
        "then": f"now() - {back_s} * interval '1 second'"
        if postgresql
        else f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || {back_s} || ' seconds')",
        "kept_since": "now() - interval '30 days'" if postgresql else "datetime('now', '-30 days')",
        "fails": FAILS_EVERY,
        "digest": "0" * 64,
        "new": f"g.seed BETWEEN {first} AND {last} AND g.key_id = {access.key.pk}",
    }
    with connection.cursor() as cursor:
        if postgresql:  # which gives a statement of the product half a minute
            cursor.execute("SET statement_timeout = 0")
        for statement in (GENERATIONS, HOLDS, SETTLEMENTS, ATTEMPTS, IMAGES, WALLET, USAGE):
            cursor.execute(statement.format(**names))
        if postgresql:
            cursor.execute("RESET statement_timeout")


def count_for_plans() -> None:
    """As PostgreSQL's autovacuum does by and by; what a test has not committed it does not see. SQLite never does so
    in a shop either: it plans by the shape of a statement.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
