"""The least that an answer from the database costs with Django REST framework: no key, no limit, one query."""

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generations.models import Generation


class TrivialView(APIView):
    """`?task_id=` → its status, for everybody."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        rows = Generation.objects.filter(task_id=request.GET["task_id"])
        return Response({"status": rows.values_list("status", flat=True).first()})
