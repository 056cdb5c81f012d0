"""What any database answers alike: `make test` (BY_TURNS=1) runs each such test on one of the two, by turns. And which
of SQLite's tests are a part of their own (TEST_PART), since `make test` has three runs go on at once.

Some of every file's tests on each, so that no page and no form is left to one database alone. A test that is run by
hand, `make coverage` and the proof know of no turns. What is not named here runs on both every day: locks, constraints,
triggers, plans, races, dates, and whatever adds up money.
"""

import functools
import os
import zlib
from pathlib import Path

import pytest

from tests.proof_scope import imported

BY_TURNS = os.environ.get("BY_TURNS") == "1"
TESTS = Path(__file__).resolve().parent
POSTGRESQL_HAS = 33  # of a hundred tests: there each takes half as long again
PART = os.environ.get("TEST_PART", "")
# Folders of tests that mostly start shops and wait for them: about half of what SQLite's take. Whole ones, since what
# the tests of a folder share is made once.
SHOPS = ("browser", "clients", "clocks", "concurrency", "deploy", "faults")

# Folders and files: pages, forms, desk lists, words, mails, JSON in and out, and what others' servers answer.
ALIKE = (
    "accounts/privacy",
    "accounts/shops",
    "accounts/signing",
    "accounts/team",
    "accounts/test_access_of_keys.py",
    "accounts/test_asked_again.py",
    "accounts/test_authentication.py",
    "accounts/test_commands_keys.py",
    "accounts/test_commands_limits.py",
    "accounts/test_commands_organizations.py",
    "accounts/test_desk_keys.py",
    "accounts/test_desk_shop.py",
    "accounts/test_languages_of_mail.py",
    "accounts/test_letters.py",
    "accounts/test_organization_rate.py",
    "accounts/test_people_deeds.py",
    "accounts/test_rate_headers.py",
    "accounts/test_report_leaked_key.py",
    "accounts/test_roles.py",
    "accounts/test_sign_in.py",
    "accounts/test_sign_in_limits.py",
    "accounts/test_terms.py",
    "billing/desk",
    "billing/pages",
    "billing/stripe",
    "billing/test_commands_check_ledger.py",
    "billing/test_commands_wallet.py",
    "billing/test_credits_page.py",
    "billing/test_desk_vouchers.py",
    "billing/test_welcome_at_sign_in.py",
    "config/docs",
    "config/doctor",
    "config/keys",
    "config/watching",
    "config/test_api_errors.py",
    "config/test_api_methods.py",
    "config/test_api_request_ids.py",
    "config/test_crawlers.py",
    "config/test_deeds.py",
    "config/test_demo_keys.py",
    "config/test_desk.py",
    "config/test_desk_arranged.py",
    "config/test_desk_books.py",
    "config/test_desk_second_factor.py",
    "config/test_desk_staff.py",
    "config/test_desk_words.py",
    "config/test_hosts_asked.py",
    "config/test_in_the_readers_language.py",
    "config/test_languages.py",
    "config/test_own_brand.py",
    "config/test_pages.py",
    "config/test_preferences.py",
    "config/test_public.py",
    "config/test_server_health.py",
    "config/test_standing_in.py",
    "config/test_two_shops.py",
    "generations/api",
    "generations/at_upstreams",
    "generations/desk",
    "generations/openai_api",
    "generations/own_gpu",
    "generations/wholesale",
    "generations/test_backlog.py",
    "generations/test_conduct.py",
    "generations/test_content.py",
    "generations/test_gallery.py",
    "generations/test_generate_body.py",
    "generations/test_generate_fuzz.py",
    "generations/test_generate_precedence.py",
    "generations/test_generate_refusals.py",
    "generations/test_generate_test_keys.py",
    "generations/test_home_page.py",
    "generations/test_image_view.py",
    "generations/test_joining.py",
    "generations/test_openai_shape.py",
    "generations/test_own_retention.py",
    "generations/test_playground_choices.py",
    "generations/test_playground_orders.py",
    "generations/test_playground_task.py",
    "generations/test_runner.py",
    "generations/test_status_answers.py",
    "generations/test_status_tasks.py",
    "generations/test_takedown.py",
    "generations/test_upstream_hooks.py",
    "generations/test_usage_page.py",
    "test_every_page.py",
    "test_isolation.py",
    "test_shops_are_strangers.py",
    "webhooks/customers",
    "webhooks/test_secret_scanning.py",
)


def is_alike(item: pytest.Item) -> bool:
    """Whether any database answers this test alike. Wherever they stand, plans and what happens at once are not."""
    if not _is_named(item.path):
        return False
    helpers = imported(item.path)
    at_once = "tests.threads" in helpers and "committed_db" in getattr(item, "fixturenames", ())
    return not at_once and "tests.plans" not in helpers


@functools.cache
def _is_named(file: Path) -> bool:
    if not file.is_relative_to(TESTS):
        return False
    name = file.relative_to(TESTS).as_posix()
    return any(name == each or name.startswith(f"{each}/") for each in ALIKE)


def is_of_this_part(path: Path) -> bool:
    """Whether tests below this file or folder may be. Of the parts, `shops` and `rest`; without any, all are."""
    if not PART or path == TESTS or not path.is_relative_to(TESTS):
        return True
    return (path.relative_to(TESTS).parts[0] in SHOPS) == (PART == "shops")


def database_of(item: pytest.Item) -> str:
    """Whose turn it is, the same in every run: all cases of a function are one's, and all tests before one shop."""
    name = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"
    if "kept_db" in getattr(
        item, "fixturenames", ()
    ):  # a shop takes longer to start than most tests before it
        name = item.path.parent.name
    return "postgresql" if zlib.crc32(name.encode()) % 100 < POSTGRESQL_HAS else "sqlite"
