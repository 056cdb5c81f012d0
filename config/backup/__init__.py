"""All of an embedded shop in one file, and back.

The file is a plain tar: images are compressed already. Its last two members are SHA256SUMS, a line for each member
before it in the order of the tar, as `sha256sum --check` takes them, and manifest.json.
"""

import re

FORMAT = 1
DATABASE, TILL = "tintype.sqlite3", "till/till.sqlite3"
SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
# No part of a name begins with a dot, so none leads out of the folder.
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
MEMBER = re.compile(rf"tintype\.sqlite3|till/till\.sqlite3|(secrets|mails)/{_PART}|images(/{_PART})+")
# What is counted in a backup, by the table that says so.
COUNTED = {
    "organizations": "accounts_organization",
    "people": "accounts_user",
    "entries": "billing_ledgerentry",
    "orders": "generations_generation",
}
# Read from the environment they are in no backup.
SECRETS = ("SECRET_KEY", "CREDENTIALS_KEY")


class Refusal(Exception):
    """One line for the operator."""
