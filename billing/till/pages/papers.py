"""Receipts and invoices, as pages and as a PDF."""

from django.utils import formats, translation
from django.utils.translation import gettext as _

from billing.till.http import Reply
from billing.till.money import shown
from billing.till.pages.pdf import Paper
from billing.till.pages.render import Visit, document, moment, page
from billing.till.problems import Body


def receipt(visit: Visit, charge_id: str) -> Reply:
    charge = visit.till.need("charge", charge_id, what="receipt")
    currency = charge["currency"]
    method = charge["payment_method_details"]
    context = {
        "amount": shown(charge["amount"], currency),
        "description": charge["description"],
        "id": charge["id"],
        "last4": method[method["type"]]["last4"],
        "paid": charge["paid"],
        "refunded": shown(charge["amount_refunded"], currency) if charge["amount_refunded"] else "",
        "when": moment(charge["created"]),
    }
    return page(visit, "receipt.html", context)


def invoice(visit: Visit, invoice_id: str) -> Reply:
    return page(visit, "invoice.html", _invoice(visit.till.need("invoice", invoice_id)))


def invoice_pdf(visit: Visit, invoice_id: str) -> Reply:
    body = visit.till.need("invoice", invoice_id)
    try:
        content = _pdf(body)
    except UnicodeEncodeError:  # its one font knows no more than Latin letters
        with translation.override("en"):
            content = _pdf(body, errors="replace")
    return document(content, "application/pdf", f"{body['number']}.pdf")


def _invoice(body: Body) -> Body:
    currency = body["currency"]
    off = body["subtotal_excluding_tax"] - body["total_excluding_tax"]
    return {
        "discount": f"−{shown(off, currency)}" if off else "",
        "email": body["customer_email"],
        "lines": [
            {
                "amount": shown(line["amount"], currency),
                "name": line["description"],
                "quantity": line["quantity"],
            }
            for line in body["lines"]["data"]
        ],
        "number": body["number"],
        "pdf": f"/invoices/{body['id']}/pdf",
        "tax": shown(sum(tax["amount"] for tax in body["total_taxes"]), currency)
        if body["total_taxes"]
        else "",
        "total": shown(body["total"], currency),
        "when": moment(body["created"]),
    }


def _pdf(body: Body, errors: str = "strict") -> bytes:
    known = _invoice(body)
    paper = Paper(errors)
    paper.line(_("Invoice %(number)s") % known, size=20, bold=True)
    paper.line(_("From the demo till. No money moved."), size=10)
    paper.gap()
    paper.line(_("Date"), formats.date_format(known["when"], "DATE_FORMAT"))
    if known["email"]:
        paper.line(_("For"), known["email"])
    paper.gap()
    for line in known["lines"]:
        name = f"{line['quantity']} × {line['name']}" if line["quantity"] > 1 else line["name"]
        paper.line(name, line["amount"])
    for name, amount in ((_("Discount"), known["discount"]), (_("Tax"), known["tax"])):
        if amount:
            paper.line(name, amount)
    paper.rule()
    paper.line(_("Paid"), known["total"], size=13, bold=True)
    return paper.pdf()
