"""The invoice of a checkout that is paid."""

from billing.till.events import emit
from billing.till.objects import papers
from billing.till.problems import Body
from billing.till.till import Till


def of_session(till: Till, session: Body) -> Body:
    number = f"TILL-{till.store.add_to('invoices'):04d}"
    invoice = till.store.put(papers.invoice(till.now(), session, number, till.settings.public_url))
    for kind in ("invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"):
        emit(till, kind, invoice)
    return invoice
