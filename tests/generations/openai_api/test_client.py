"""OpenAI's own client, unmodified, gets its images from the shop."""

import asyncio
import base64
import time
import urllib.request
from io import BytesIO

import openai
from openai.types import ImagesResponse
from PIL import Image

from tests.generations.openai_api.customers import CREDITS, Customer
from tests.makers import PRICE_CREDITS
from tests.shop import RunningShop

FOX = "a fox in the snow"


def picture(data: bytes) -> tuple[str | None, tuple[int, int]]:
    """Format and size."""
    image: Image.Image = Image.open(BytesIO(data))
    return image.format, image.size


def inline(answer: ImagesResponse) -> list[bytes]:
    assert answer.data is not None
    return [base64.b64decode(image.b64_json or "") for image in answer.data]


def test_image_comes_as_an_address_that_opens(client: openai.OpenAI, customer: Customer) -> None:
    before = int(time.time())
    answer = client.images.generate(prompt=FOX)
    assert answer.data is not None
    [image] = answer.data
    assert (image.b64_json, answer.size, answer.output_format) == (None, "1024x1024", "jpeg")
    assert before - 5 <= answer.created <= time.time() + 5
    assert image.url is not None
    with urllib.request.urlopen(image.url.replace("localhost", "127.0.0.1")) as opened:
        assert picture(opened.read()) == ("JPEG", (1024, 1024))
    assert customer.wallet() == (CREDITS - PRICE_CREDITS, 0)


def test_images_come_in_the_answer_itself(client: openai.OpenAI, customer: Customer) -> None:
    answer = client.images.generate(
        prompt=FOX,
        model="z-image-turbo",
        n=2,
        size="512x256",
        response_format="b64_json",
        output_format="png",
        user="customer-17",
    )
    assert [picture(data) for data in inline(answer)] == [("PNG", (512, 256))] * 2
    assert customer.wallet() == (CREDITS - 2 * PRICE_CREDITS, 0)
    [order] = customer.orders()
    assert (order.n, order.metadata) == (2, {"user": "customer-17"})


def test_what_only_openai_has_is_ignored(client: openai.OpenAI) -> None:
    answer = client.images.generate(
        prompt=FOX,
        size="auto",
        quality="hd",
        style="vivid",
        background="transparent",
        moderation="low",
        extra_body={"unheard_of": {"of": 1}},
    )
    assert answer.size == "1024x1024"


def test_client_for_asyncio_gets_its_image_as_well(customer: Customer) -> None:
    async def ask() -> ImagesResponse:
        async with openai.AsyncOpenAI(
            api_key=customer.key, base_url=f"{customer.shop.base_url}/v1"
        ) as client:
            return await client.images.generate(prompt=FOX, response_format="b64_json")

    [data] = inline(asyncio.run(ask()))
    assert picture(data) == ("JPEG", (1024, 1024))


def test_test_key_costs_nothing(shop: RunningShop) -> None:
    customer = Customer.new(shop, credits=0, livemode=False)
    with customer.client() as client:
        [data] = inline(client.images.generate(prompt=FOX, response_format="b64_json"))
    assert picture(data)[0] == "JPEG"
    assert customer.wallet() == (0, 0)


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    [model] = client.models.list()
    assert (model.id, model.object, model.owned_by) == ("z-image-turbo", "model", "Tintype")
    assert client.models.retrieve("z-image-turbo") == model


def test_answers_state_the_rate_as_the_limiter_counts_it(shop: RunningShop) -> None:
    customer = Customer.new(shop, rate_per_minute=60, burst=3)
    with customer.client() as client:
        stated = [
            client.images.with_raw_response.generate(prompt=FOX, size="256x256").headers for _ in range(2)
        ]
        reading = client.models.with_raw_response.list().headers
    assert [headers["x-ratelimit-limit-requests"] for headers in stated] == ["3", "3"]
    assert stated[0]["x-ratelimit-remaining-requests"] == "2"
    assert stated[0]["x-ratelimit-reset-requests"] == "1s"
    assert reading["x-ratelimit-limit-requests"] == "120"
    assert reading["x-ratelimit-reset-requests"] == "100ms"
