"""What operators do with an own GPU and are told of it: set up without an address, tried by a command, watched."""

import asyncio

import pytest
from django.test import Client

from config.doctor import upstreams
from generations import trial
from generations.models import GpuWorker, Upstream, UpstreamState
from tests.generations.own_gpu.conftest import a_worker, own
from tests.operators import desk_of, entered, operator

pytestmark = pytest.mark.django_db
ADD = "/admin/generations/upstream/add/"


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def test_it_is_set_up_without_address_and_credential(desk: Client) -> None:
    response = desk.post(ADD, entered(provider="local", name="The card", base_url="", cost="0.0007"))
    assert response.status_code == 302, response.context["adminform"].form.errors
    row = Upstream.objects.latest("pk")
    assert (row.provider, row.base_url, row.cost_micros) == ("local", "", 700)
    assert row.model_names == {"z-image-turbo": "Tongyi-MAI/Z-Image-Turbo"}


def test_a_trial_names_the_command_for_it() -> None:
    found = asyncio.run(trial.try_out(own(), "a lighthouse", 1024, 1024))
    assert "gpu_check" in found.detail
    assert found.cost_micros == 0


@pytest.mark.parametrize(
    ("worker", "level", "says"),
    [
        (None, "error", "manage.py gpu_worker"),
        ({"ready": False}, "warning", "not ready yet"),
        ({"ready": True}, "ok", "1 of 1 workers"),
    ],
)
def test_the_doctor_knows_whether_a_card_is_there(
    worker: dict[str, bool] | None, level: str, says: str
) -> None:
    own()
    if worker is not None:
        a_worker(**worker)
    [finding] = upstreams.look()
    assert finding.level == level
    assert says in str(finding)


def test_the_doctor_tells_of_its_circuit() -> None:
    card = own()
    a_worker()
    UpstreamState.objects.filter(upstream=card).update(
        opened_at="2026-01-01T00:00Z", open_until="2026-01-01T00:10Z", reason="failing"
    )
    [finding] = upstreams.look()
    assert "keeps failing" in str(finding)
    assert GpuWorker.objects.count() == 1
