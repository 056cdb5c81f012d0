"""The pictures on the landing page, which everybody may see."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from accounts.shops import shop_id_of
from generations.models import Sample

LIFE_S = 604_800  # its address is of this picture alone; what is taken down goes from caches in a week


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    shown = Sample.objects.filter(shop=shop_id_of(request), name=name, image__takedown=None)
    found = shown.values_list("data", flat=True).first()
    if found is None:
        raise Http404
    response = HttpResponse(bytes(found), content_type="image/webp")
    patch_cache_control(response, public=True, max_age=LIFE_S)
    return response
