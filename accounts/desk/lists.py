"""Lists of the desk that never count: newest first by number, a page after the other, however many rows there are.

One page looks at WINDOW rows at most where what is asked for has no index; then it says so, and goes on from there.
Days are found by halving, since numbers rise with time (newest_first.py).
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ListFilter, ShowFacets
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Expression, F, Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import newest_first, organizations
from accounts.clock import read_db_now
from accounts.desk.rows import OfShop
from accounts.models import Organization
from accounts.newest_first import BY_TENANT, OF_ALL, SLACK

if TYPE_CHECKING:
    from django.contrib.admin.helpers import ActionForm

    DeskActionForm = ActionForm
    DeskChangeList = ChangeList
    InfinitePaginator = Paginator[Any]
else:
    from unfold.forms import ActionForm as DeskActionForm
    from unfold.paginator import InfinitePaginator
    from unfold.views import ChangeList as DeskChangeList

WINDOW = 10_000
WINDOW_OF_SHOP = 100_000  # of rows of all shops, where nothing else is asked for
BEFORE, SINCE, UNTIL = "before", "since", "until"
BY_ORGANIZATION = "organization__id__exact"
DAY = datetime.timedelta(days=1)


class Stretch(ListFilter):
    """From one day to another, both included, in UTC; the list knows what to do with them."""

    title = _("day")
    template = "admin/days.html"
    parameter_name = SINCE

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.others = [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name not in (SINCE, UNTIL, BEFORE)
        ]
        self._days: dict[str, datetime.date | None] = {}
        for name in (SINCE, UNTIL):
            if name in params:
                self._days[name] = _day(params.pop(name)[-1])

    @property
    def since(self) -> datetime.date | None:
        return self._days.get(SINCE)

    @property
    def until(self) -> datetime.date | None:
        return self._days.get(UNTIL)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [SINCE, UNTIL]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        today = read_db_now().date()
        chosen = (self.since, self.until)
        for words, since, until in (
            (_("Any day"), None, None),
            (_("Today"), today, None),
            (_("Yesterday"), today - DAY, today - DAY),
            (_("The last 7 days"), today - 6 * DAY, None),
        ):
            asked = {name: day.isoformat() for name, day in ((SINCE, since), (UNTIL, until)) if day}
            yield {
                "selected": chosen == (since, until),
                "query_string": changelist.get_query_string(asked, [SINCE, UNTIL]),
                "display": words,
            }


class NewestFirst(DeskChangeList):
    """`older` and `newest` are the queries of the pages around this one, "" for none. `looked_until`: from when the
    oldest of the rows is that this page looked at, where it did not look at all of them.
    """

    model_admin: "ListOfMany"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.before = _number(request.GET.get(BEFORE, ""))
        self.older = self.newest = ""
        self.looked_until: datetime.datetime | None = None
        self.narrowed_to = ""
        self.request = request
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        found.pop(BEFORE, None)
        return found

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        return super().get_query_string(new_params, [*(remove or []), BEFORE])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        found = self._found()
        self.result_list: Any = found[: self.list_per_page]
        if len(found) > self.list_per_page:
            self.older = self.get_query_string({BEFORE: self.result_list[-1].pk})
        if self.before is not None:
            self.newest = self.get_query_string()
        self.model_admin.prepare(self.result_list)
        self.result_count = len(self.result_list)
        self.full_result_count = None
        self.show_full_result_count = self.can_show_all = False
        self.show_admin_actions = self.multi_page = True
        paginator: Any = InfinitePaginator(self.result_list, self.list_per_page)
        paginator.template_name = "admin/newest_first.html"
        self.paginator = paginator

    def _found(self) -> list[Any]:
        """One more than a page holds, when there are as many."""
        by, base = self._narrowed()
        low, high = self._days()
        below = min((number for number in (high, self.before) if number is not None), default=None)
        floor = None
        if self._is_by_index():
            by = BY_TENANT  # an expression, so that nobody walks the numbers back for these few
        else:
            if by is OF_ALL:
                newest = self.model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0
                below = newest + 1 if below is None else min(below, newest + 1)
            if self._is_filtered():
                floor = self._floor(by, base, below, WINDOW)
            elif self._is_part():
                floor = self._floor(by, base, below, WINDOW_OF_SHOP)
        rows = self.queryset.alias(ordinal=by).order_by("-ordinal")
        if below is not None:
            rows = rows.filter(ordinal__lt=below)
        lowest = max((number for number in (low, floor) if number is not None), default=None)
        if lowest is not None:
            rows = rows.filter(ordinal__gte=lowest)
        found = list(rows[: self.list_per_page + 1])
        if floor is not None and floor == lowest and len(found) <= self.list_per_page:
            self._go_on_below(base, floor)
        return found

    def _floor(self, by: Expression | F, base: QuerySet[Any], below: int | None, window: int) -> int | None:
        """The lowest number that this page looks at; None: all there are."""
        if by is OF_ALL:  # the numbers of all rows follow each other nearly without a gap
            return max(1, (below or 1) - window)
        numbers = base if below is None else base.filter(ordinal__lt=below)
        return numbers.values_list("pk", flat=True)[window - 1 : window].first()

    def _go_on_below(self, base: QuerySet[Any], floor: int) -> None:
        if base.filter(ordinal__lt=floor).values_list("pk", flat=True).first() is not None:
            self.older = self.get_query_string({BEFORE: floor})
            oldest = base.filter(ordinal__gte=floor).order_by("ordinal")
            self.looked_until = oldest.values_list(self.model_admin.time_field, flat=True).first()

    def _narrowed(self) -> tuple[Expression | F, QuerySet[Any]]:
        """By what the rows are numbered, and all of them: everybody's, or those of one that have an own index."""
        admin = self.model_admin
        name = next((name for name in admin.narrow if name in self.params), None)
        rows = self.model._default_manager.all()
        by = OF_ALL if name is None else admin.narrow[name]
        if name is not None:
            told = [one for one in (name, *admin.narrow_with) if one in self.params]
            rows = admin.in_scope(self.request, rows.filter(**{one: self.params[one] for one in told}))
            self.narrowed_to = admin.narrowed_to(self.request, name, self.params[name])
        return by, rows.alias(ordinal=by).order_by("-ordinal")

    def _days(self) -> tuple[int | None, int | None]:
        """Of the days that are asked for, as numbers; the exact times become conditions beside them."""
        days = next((spec for spec in self.filter_specs if isinstance(spec, Stretch)), None)
        if days is None:
            return None, None
        time, rows = self.model_admin.time_field, self.model._default_manager.all()
        low = high = None
        if days.since is not None:
            since = _midnight(days.since)
            low = newest_first.bracket(rows, since - SLACK, by=OF_ALL, time=time)[0]
            self.queryset = self.queryset.filter(**{f"{time}__gte": since})
        if days.until is not None:
            until = _midnight(days.until) + DAY
            high = newest_first.bracket(rows, until + SLACK, by=OF_ALL, time=time)[1]
            self.queryset = self.queryset.filter(**{f"{time}__lt": until})
        return low, high

    def _is_by_index(self) -> bool:
        """Searches mostly are, and some filters."""
        by_search = bool(self.query) and self.model_admin.is_search_by_index(self.query.strip())
        return by_search or any(self.params.get(name) == value for name, value in self.model_admin.few)

    def _is_filtered(self) -> bool:
        admin = self.model_admin
        narrows = any(name in self.params for name in admin.narrow)
        found_by_number = {SINCE, UNTIL, *admin.narrow, *(admin.narrow_with if narrows else ())}
        return bool(self.query) or bool(set(self.get_filters_params()) - found_by_number)

    def _is_part(self) -> bool:
        """Of one shop, among rows of all of them."""
        admin = self.model_admin
        return admin.is_narrowed(self.request) and not any(name in self.params for name in admin.narrow)


class OneByOne(DeskActionForm):
    """What is done is done to rows that somebody saw, never to all that a filter might find."""

    def clean_select_across(self) -> bool:
        return False


class ListOfMany(OfShop):
    """A list of rows that are as many as orders.

    `narrow`: filters whose rows have an index that ends in what they are numbered by, such as those of an organization;
    `narrow_with`: what that index needs beside. `few`: filters, with their value, that an index of their own serves.
    Searches have to be by an index (`search_by`: how a term begins -> what it is compared with; "" is any other). An
    organization's short name leads to its rows where they can be narrowed to it.
    """

    time_field = "created_at"
    narrow: Mapping[str, Expression | F] = {}
    narrow_with: tuple[str, ...] = ()
    few: frozenset[tuple[str, str]] = frozenset()
    search_by: Mapping[str, str] = {}

    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 50
    action_form = OneByOne
    list_before_template = "admin/list_before.html"
    list_filter_sheet = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NewestFirst]:
        return NewestFirst

    def prepare(self, rows: Sequence[Any]) -> None:
        """Fetches what a page of rows shows beside its columns."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        known = (*self.narrow, *self.narrow_with, SINCE, UNTIL, BEFORE)
        return lookup in known or super().lookup_allowed(lookup, value, request)

    def narrowed_to(self, request: HttpRequest, name: str, value: str) -> str:
        """Whose rows the filter `name` leaves."""
        return self.named(request, Organization, value, "name")

    def named(self, request: HttpRequest, model: type[Model], pk: str, field: str) -> str:
        """Nothing for what is not to be seen at this desk."""
        desk = self.has_desk(model)
        if desk is None:
            return ""
        seen = desk.in_scope(request, model._default_manager.filter(pk=pk))
        return str(seen.values_list(field, flat=True).first() or "")

    def is_search_by_index(self, term: str) -> bool:
        """Else a search looks at no more than WINDOW rows a page, as filters do."""
        return True

    def get_search_fields(self, request: HttpRequest) -> Any:
        return tuple(self.search_by.values())  # that there is a field to type into

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        name = next(
            (name for start, name in self.search_by.items() if start and term.startswith(start)), None
        )
        name = name or self.search_by.get("")
        return (queryset.filter(**{name: term}) if name else queryset.none()), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        term = request.GET.get(SEARCH_VAR, "").strip()
        if term and BY_ORGANIZATION in self.narrow and self.has_view_permission(request):
            desk, rows = self.has_desk(Organization), organizations.named(term)
            found = list(desk.in_scope(request, rows).values_list("pk", flat=True)[:2]) if desk else []
            if len(found) > 1:  # which of them is chosen there
                self.message_user(request, _("Several shops have an organization of that name."))
                return HttpResponseRedirect(f"{reverse('admin:accounts_organization_changelist')}?q={term}")
            if found:
                return HttpResponseRedirect(f"?{BY_ORGANIZATION}={found[0]}")
        return super().changelist_view(request, extra_context)


def _number(text: str) -> int | None:
    """Of a row; None for what is none."""
    return int(text) if text.isdecimal() and text.isascii() and 0 < len(text) < 19 else None


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)
