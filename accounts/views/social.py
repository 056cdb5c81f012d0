"""Accounts elsewhere that people sign in with. Without credentials of the operator none of these pages is there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.socialaccount import views as theirs
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.signing import limits, social
from accounts.views.gates import own_page
from accounts.views.signing import may_lead_away

View = Callable[..., HttpResponseBase]


def _where_known(name: str, view: View) -> View:
    """`name`: a provider, "" any."""

    @wraps(view)
    @never_cache
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        offered = social.offered(request)
        if (name and name not in offered) or not offered:
            raise Http404
        return view(request, *args, **kwargs)

    return page


class ConnectionsView(theirs.ConnectionsView):
    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        return may_lead_away(self.request, super().render_to_response(context, **kwargs))


class SocialSignUpView(theirs.SignupView):
    def form_valid(self, form: Any) -> HttpResponse:
        try:
            with transaction.atomic():
                response: HttpResponse = super().form_valid(form)
        except IntegrityError:  # twice at once: the other one has it
            return redirect(settings.LOGIN_URL)
        return response


def _begin(adapter: Any) -> View:
    begin = OAuth2LoginView.adapter_view(adapter)

    def page(request: HttpRequest) -> HttpResponse:
        return may_lead_away(request, begin(request))  # asks for a click when somebody came by a link

    return limits.counted(limits.ELSEWHERE)(require_http_methods(["GET", "HEAD", "POST"])(page))


connections = _where_known("", own_page(ConnectionsView.as_view()))
sign_up = _where_known("", limits.counted(limits.SIGN_UP)(SocialSignUpView.as_view()))
canceled = _where_known("", theirs.LoginCancelledView.as_view())
failed = _where_known("", theirs.LoginErrorView.as_view())
google = _where_known("google", _begin(social.GoogleAdapter))
google_back = _where_known("google", OAuth2CallbackView.adapter_view(social.GoogleAdapter))
github = _where_known("github", _begin(social.GithubAdapter))
github_back = _where_known("github", OAuth2CallbackView.adapter_view(social.GithubAdapter))
