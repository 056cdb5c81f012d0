"""Terms and privacy policy: each version is accepted once by each member, before the shop goes on with them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import Acceptance, DocumentKind, Shop, User


@dataclass(frozen=True, slots=True)
class Document:
    kind: DocumentKind
    version: str
    url: str


def asked(shop: Shop) -> list[Document]:
    """What the shop wants to have accepted; nothing has to be looked up for that."""
    documents = (
        Document(DocumentKind.TERMS, shop.terms_version, shop.terms_url),
        Document(DocumentKind.PRIVACY, shop.privacy_version, shop.privacy_url),
    )
    return [document for document in documents if document.version]


def outstanding(user: User, shop: Shop) -> list[Document]:
    """What this person has not accepted as it is now. One query, none when the shop asks for nothing."""
    documents = asked(shop)
    if not documents:
        return []
    wanted = Q()
    for document in documents:
        wanted |= Q(kind=document.kind, version=document.version)
    accepted = Acceptance.objects.filter(wanted, user=user, shop=shop).values_list("kind", flat=True)
    known = set(accepted)
    return [document for document in documents if document.kind not in known]


def accept(user: User, shop: Shop, versions: Mapping[str, str]) -> list[Document]:
    """What is still outstanding. `versions`: of each kind (terms, privacy), as it was shown to the person; what has
    changed since then does not count as accepted.
    """
    shown = [document for document in asked(shop) if versions.get(document.kind) == document.version]
    Acceptance.objects.bulk_create(
        (
            Acceptance(user=user, shop=shop, kind=document.kind, version=document.version)
            for document in shown
        ),
        ignore_conflicts=True,  # a second click
    )
    return outstanding(user, shop)
