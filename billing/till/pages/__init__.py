"""The pages for people: the pay page, the desk, the portal, receipts and invoices."""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.till.accounts import Accounts
from billing.till.forms import MAX_FIELDS
from billing.till.http import Reply, Request
from billing.till.pages import authenticate, desk, papers, pay, portal
from billing.till.pages.render import Visit, asset, problem_page
from billing.till.problems import Problem
from billing.till.till import Till

NOT_VALID = _("This link is not valid. Open the page from the shop again.")
Page = Callable[[Visit, str], Reply]
# Path, what shows it, what takes its form.
ROUTES: list[tuple[str, Page, Page | None]] = [
    (r"/", desk.show, desk.act),
    (r"/shops/([1-9][0-9]{0,18})/", desk.show, desk.act),
    (r"/pay/(cs_test_\w+)", pay.show, pay.act),
    (r"/authenticate/(pi_\w+)", authenticate.show, authenticate.act),
    (r"/portal/(p_\w+)", portal.show, portal.act),
    (r"/receipts/(\w+)", papers.receipt, None),
    (r"/invoices/(in_\w+)", papers.invoice, None),
    (r"/invoices/(in_\w+)/pdf", papers.invoice_pdf, None),
    (r"/(palette\.css|till\.css|favicon\.svg)", asset, None),
]


class Pages:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def answer(self, request: Request) -> Reply:
        visit = Visit(self._accounts.first, request, shops=self._accounts.database.shops)
        with visit.language():
            if not _is_ours(visit.till, request.headers.get("host", "")):
                return problem_page(visit, 400, _("This address is not the till's."))
            try:
                return self._answer(visit)
            except Problem as problem:
                return problem_page(visit, problem.status, _words(problem))

    def _answer(self, visit: Visit) -> Reply:
        request = visit.request
        for path, show, act in ROUTES:
            match = re.fullmatch(path, request.path)
            if match is None:
                continue
            name = match[1] if match.groups() else ""
            till = self._till_of(name, path)
            if till is None:
                break
            visit.till = till
            if request.method == "GET":
                return show(visit, name)
            if request.method != "POST" or act is None:
                return problem_page(visit, 405, _("This page takes no forms."))
            if not _comes_from_here(request):
                return problem_page(visit, 403, _("The form came from another site, so nothing was done."))
            try:
                fields = parse_qsl(request.text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
            except ValueError:
                return problem_page(visit, 400, _("The form could not be read."))
            visit.form.update(fields)
            return act(visit, name)
        return problem_page(visit, 404, _("There is nothing here."))

    def _till_of(self, name: str, path: str) -> Till | None:
        """By what the address names: an account, or one of an account's objects."""
        if not path.startswith("/shops/"):
            return self._accounts.of_object(name)
        is_known = name in (account for account, _name in self._accounts.database.shops())
        return self._accounts.named(name) if is_known else None


def _words(problem: Problem) -> str | Promise:
    """What Stripe's API says of an id that nothing has is not for people."""
    return NOT_VALID if problem.status == 404 else str(problem)


def _is_ours(till: Till, host: str) -> bool:
    """The public name, or a number or localhost: a stranger's name that leads here would pass for our own site."""
    public = urlsplit(till.settings.public_url)
    if host == public.netloc:
        return True
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return True


def _comes_from_here(request: Request) -> bool:
    """There is no session to ride on; but a stranger's page could still press our buttons."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
