"""Spans for OpenTelemetry: a request, the order it made in whichever process, each exchange with an upstream.

Nothing is handed on from process to process for it. The id of a trace is made of the request's id, which stands in the
order's row, so whoever works on an order later knows where its spans belong. A request's id that a client chose may
come again, so such requests get traces of their own, and their orders one by their task's id.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

from accounts import trail

GetResponse = Callable[[HttpRequest], HttpResponseBase]
OURS = re.compile(r"req_[0-9a-f]{24}")

_root: ContextVar[SpanContext | None] = ContextVar("root", default=None)
_tracer: Tracer | None = None


class _Ids(RandomIdGenerator):
    """Random, but for the first span of a request of ours."""

    def generate_trace_id(self) -> int:
        root = _root.get()
        return root.trace_id if root is not None else super().generate_trace_id()

    def generate_span_id(self) -> int:
        root = _root.get()
        return root.span_id if root is not None else super().generate_span_id()


def start() -> None:
    """Once a process, which then sends its spans from a thread of its own."""
    global _tracer  # noqa: PLW0603 - of this process
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "tintype"}), id_generator=_Ids())
    exporter = OTLPSpanExporter(f"{settings.OTLP_ENDPOINT}/v1/traces", headers=settings.OTLP_HEADERS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("tintype")
    trail.tracers.append(_step)


def root_of(known: str) -> SpanContext:
    """Where the trace of a request or a task begins."""
    digest = hashlib.sha256(known.encode()).digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


@contextmanager
def _step(name: str, attributes: trail.Attributes) -> Iterator[trail.Note]:
    if _tracer is None:
        raise RuntimeError("start() comes first")
    with _tracer.start_as_current_span(
        name,
        context=_parent(),
        kind=SpanKind.INTERNAL if name == "task" else SpanKind.CLIENT,
        attributes={**attributes, **trail.ids()},
        record_exception=False,  # whose text may repeat what customers wrote
        set_status_on_exception=False,
    ) as span:
        try:
            yield span.set_attribute
        except BaseException as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def _parent() -> Context | None:
    """None: the span around this one, if any."""
    if trace.get_current_span().get_span_context().is_valid:
        return None
    request, task = trail.request_id.get(), trail.task_id.get()
    known = request if OURS.fullmatch(request) else task
    return trace.set_span_in_context(NonRecordingSpan(root_of(known))) if known else None


class TracingMiddleware:
    """A span for each request, right inside the one that gives it its id. There while settings.OTLP_ENDPOINT is set."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _tracer is None:
            return self.get_response(request)
        request_id = trail.request_id.get()
        is_ours = request.META.get("HTTP_X_REQUEST_ID") != request_id
        before = _root.set(root_of(request_id) if is_ours else None)
        try:
            span = _tracer.start_span(
                str(request.method), Context(), SpanKind.SERVER, {"request_id": request_id}
            )
        finally:
            _root.reset(before)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            response = self.get_response(request)
            route = f"/{request.resolver_match.route}" if request.resolver_match else ""
            span.update_name(f"{request.method} {route}".strip())
            span.set_attribute("http.request.method", str(request.method))
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            return response
