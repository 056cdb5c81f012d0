"""Which orders an own GPU gets: as one upstream among others, unless it is away, too busy or reads too little."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.errors import InvalidField
from generations import gpu_workers, routing, runner
from generations.engine import tokens
from generations.errors import UpstreamMissing
from generations.models import Generation, GpuWorker, Upstream
from tests.generations.own_gpu.conftest import a_worker, own
from tests.makers import a_generation, a_request, ago, an_access, an_organization, an_upstream, status_of

pytestmark = pytest.mark.django_db
MODEL = "z-image-turbo"


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(10_000))


def names(generation: Generation) -> list[str]:
    route = routing.route(Generation.objects.select_related("model").get(pk=generation.pk))
    assert isinstance(route, routing.Try), route
    return [upstream.name for upstream in route.upstreams]


def queue_of(access: Access, count: int) -> list[Generation]:
    """One after the other, also where a whole queue is made within a tick of the database's clock."""
    orders = [a_generation(access) for _ in range(count)]
    for number, order in enumerate(orders):
        Generation.objects.filter(pk=order.pk).update(deadline_at=ago(-300 - number))
    return orders


def accepts(access: Access, **fields: str) -> None:
    routing.forget()
    gpu_workers.forget()
    routing.refuse_if_closed(access, a_request(**fields), MODEL)


def test_it_goes_first_as_its_priority_says(access: Access, rung: list[int]) -> None:
    a_worker()
    card, other = own(priority=1), an_upstream(priority=2)
    assert names(a_generation(access)) == [card.name, other.name]


def test_nothing_goes_there_while_no_worker_is_ready(access: Access, rung: list[int]) -> None:
    a_worker(ready=False)
    _card, other = own(priority=1), an_upstream(priority=2)
    assert names(a_generation(access)) == [other.name]


def test_without_any_worker_new_orders_are_refused_and_old_ones_wait(access: Access, rung: list[int]) -> None:
    own()
    a_worker()
    accepts(access)
    generation = a_generation(access)
    GpuWorker.objects.update(seen_at="2026-01-01T00:00Z")
    with pytest.raises(UpstreamMissing):
        accepts(access)
    assert isinstance(routing.route(generation), routing.Wait)
    GpuWorker.objects.all().delete()
    a_worker(ready=False)  # it loads
    accepts(access)


def test_orders_go_elsewhere_once_the_wait_is_too_long(
    access: Access, rung: list[int], settings: Settings
) -> None:
    settings.GPU_MAX_WAIT_S = 5
    a_worker(seconds_per_megapixel=1.0)
    card, other = own(priority=1), an_upstream(priority=2)
    orders = queue_of(access, 6)
    assert names(orders[3]) == [card.name, other.name]  # 3 s
    assert names(orders[5]) == [other.name, card.name]  # 5.2 s
    GpuWorker.objects.create(name="gpu2", ready=True, seconds_per_megapixel=1.0)
    gpu_workers.forget()
    assert names(orders[5]) == [card.name, other.name]  # two of them


def test_with_nobody_else_it_is_waited_for_however_long(
    access: Access, rung: list[int], settings: Settings
) -> None:
    settings.GPU_MAX_WAIT_S = 0
    a_worker()
    card = own()
    orders = queue_of(access, 3)
    assert names(orders[2]) == [card.name]


def test_a_place_elsewhere_takes_what_the_card_will_not_make_in_time(
    access: Access, rung: list[int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GPU_MAX_WAIT_S = 3.5
    a_worker()
    card, _other = own(priority=1), an_upstream(priority=2)
    orders = queue_of(access, 6)
    asked: list[int] = []

    def ask(generation_id: int) -> bool:
        asked.append(generation_id)
        return False

    monkeypatch.setattr(runner, "run", ask)
    runner.take_next(card.shop_id)
    assert asked == [order.pk for order in orders[4:]]


# --- Prompts that are too long ------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenizer for which each character is a token."""
    settings.GPU_MODEL = str(tmp_path)
    monkeypatch.setattr(tokens, "count", lambda prompt, _folder: len(prompt) + 8)


def test_a_prompt_that_nobody_would_read_to_its_end_is_refused_before_anything_is_held(
    access: Access, rung: list[int], model: None
) -> None:
    a_worker()
    own()
    accepts(access, prompt="x" * 500)
    with pytest.raises(InvalidField) as refused:
        accepts(access, prompt="x" * 510)
    assert refused.value.param == "prompt"
    an_upstream()  # which reads it
    accepts(access, prompt="x" * 510)


def test_a_long_prompt_goes_to_who_reads_all_of_it(access: Access, rung: list[int], model: None) -> None:
    a_worker()
    _card, other = own(priority=1), an_upstream(priority=2)
    generation = a_generation(access)
    Generation.objects.update(prompt="x" * 510)
    assert names(generation) == [other.name]


def test_one_that_was_accepted_where_nobody_could_count_ends_without_a_charge(
    access: Access, rung: list[int], model: None
) -> None:
    a_worker()
    own()
    generation = a_generation(access)
    Generation.objects.update(prompt="x" * 510)
    runner.run(generation.pk, on_gpu=True)
    assert status_of(generation) == ("failed", "invalid_request")


def test_what_is_surely_short_needs_no_tokenizer(settings: Settings, tmp_path: Path) -> None:
    settings.GPU_MODEL = str(tmp_path)
    assert not tokens.is_too_long("x" * 490)
    assert not tokens.is_too_long("x" * 1000)  # nobody can tell: the folder has none
    settings.GPU_MODEL = ""
    assert not tokens.is_too_long("灯" * 1000)


def test_the_state_of_workers_is_read_without_a_query_where_nothing_is_own(
    access: Access, rung: list[int], django_assert_num_queries: object
) -> None:
    other = Upstream.objects.select_related("state").get(pk=an_upstream().pk)
    with django_assert_num_queries(0):  # type: ignore[operator] # pytest-django's
        assert gpu_workers.standing([other]) == gpu_workers.NOTHING_OWN
