"""The operators' pages for who is there: customers, people, keys, shops, mail; found here by Django's admin."""

from accounts.admin import (
    audit,
    key_deeds,
    keys,
    mail,
    organization_deeds,
    organizations,
    people,
    people_deeds,
    shop_deeds,
    shops,
)

__all__ = [
    "audit",
    "key_deeds",
    "keys",
    "mail",
    "organization_deeds",
    "organizations",
    "people",
    "people_deeds",
    "shop_deeds",
    "shops",
]
