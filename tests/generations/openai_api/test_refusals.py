"""Refusals raise what users of OpenAI's client expect, and the client repeats only what may help."""

from typing import Any

import openai
import pytest

from tests.generations.openai_api.customers import CREDITS, Customer
from tests.makers import PRICE_CREDITS
from tests.shop import RunningShop

FOX = "a fox in the snow"


def refusal(client: openai.OpenAI, **fields: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        client.images.generate(**{"prompt": FOX, "size": "256x256", **fields})
    return caught.value


def told(error: openai.APIStatusError) -> tuple[type[Exception], str | None, str | None, str | None]:
    return type(error), error.type, error.code, error.param


def test_unknown_key_is_an_authentication_error(shop: RunningShop) -> None:
    with openai.OpenAI(api_key="sk-proj-abc", base_url=f"{shop.base_url}/v1") as client:
        error = refusal(client)
    assert told(error) == (openai.AuthenticationError, "invalid_request_error", "invalid_api_key", None)
    assert error.request_id


def test_key_without_the_scope_is_a_permission_error(shop: RunningShop) -> None:
    with Customer.new(shop, scopes=["read"]).client() as client:
        assert told(refusal(client))[:3] == (
            openai.PermissionDeniedError, "invalid_request_error", "missing_scope",
        )  # fmt: skip


def test_bad_size_is_a_bad_request_that_names_the_field(client: openai.OpenAI) -> None:
    error = refusal(client, size="100x100")
    assert told(error) == (openai.BadRequestError, "invalid_request_error", "invalid_value", "size")


def test_refused_content_is_a_bad_request_that_costs_nothing(
    client: openai.OpenAI, customer: Customer
) -> None:
    error = refusal(client, prompt="sandbox:content_rejected")
    assert told(error)[:3] == (openai.BadRequestError, "invalid_request_error", "content_policy_violation")
    assert customer.wallet() == (CREDITS, 0)


def test_unknown_model_is_not_found(client: openai.OpenAI, customer: Customer) -> None:
    error = refusal(client, model="dall-e-3")
    assert told(error) == (openai.NotFoundError, "invalid_request_error", "model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("dall-e-3")
    assert customer.orders() == []


def test_what_is_not_offered_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model="any", input="a fox")
    assert told(caught.value)[1:] == ("invalid_request_error", "not_found", None)


@pytest.mark.parametrize("livemode", [True, False])
def test_who_is_out_of_credits_is_told_once(shop: RunningShop, livemode: bool) -> None:
    customer = Customer.new(shop, credits=PRICE_CREDITS - 1, livemode=livemode)
    client, statuses = customer.counting_client()
    with client:
        error = refusal(client, prompt=FOX if livemode else "sandbox:402")
    assert told(error) == (openai.RateLimitError, "insufficient_quota", "insufficient_quota", None)
    assert statuses == [429]


def test_client_that_is_too_fast_waits_as_long_as_it_is_told(shop: RunningShop) -> None:
    customer = Customer.new(shop, rate_per_minute=60, burst=1)
    client, statuses = customer.counting_client()
    with client:
        for _ in range(2):
            client.images.generate(prompt=FOX, size="256x256")
    assert statuses == [200, 429, 200]
    assert len(customer.orders()) == 2


def test_what_failed_is_ordered_anew_and_costs_nothing(shop: RunningShop) -> None:
    customer = Customer.new(shop)
    client, statuses = customer.counting_client(max_retries=1)
    with client:
        error = refusal(client, prompt="sandbox:failed")
    assert told(error)[:3] == (openai.InternalServerError, "server_error", "generation_failed")
    assert statuses == [500, 500]
    assert len(customer.orders()) == 2
    assert customer.wallet() == (CREDITS, 0)
