"""Figures in the text that Prometheus reads."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.watching import requests
from config.watching.figures import FIGURES, Sample


class _Shop(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name, labels, value in self._samples:
            figure = FIGURES.get(name)
            if figure is None or set(labels) != set(figure.labels):
                continue  # of another release
            kind = CounterMetricFamily if figure.counts else GaugeMetricFamily
            family = families.setdefault(name, kind(name, figure.help, labels=figure.labels))
            family.add_metric([labels[label] for label in figure.labels], value)
        yield from families.values()


def write(samples: Iterable[Sample]) -> tuple[bytes, str]:
    """The text and what it is called."""
    registry = CollectorRegistry()
    registry.register(_Shop(samples))
    requests.register(registry)
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
