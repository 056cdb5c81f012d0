"""Ordering in the playground: what is accepted, refused, and never charged twice."""

import pytest
from pytest_django import Settings

from accounts.models import Role
from accounts.organizations import suspend
from billing import ledger
from generations.models import Generation
from tests.cast import Person, join
from tests.makers import open_tasks_of, wallet_of
from tests.pages import browser_of, database_away, order, order_token, ordered, text_of


def available(person: Person) -> int:
    return wallet_of(person.organization)[0]


def test_order_holds_the_price_and_leads_to_its_page(alice: Person) -> None:
    generation = ordered(
        browser_of(alice), prompt="a fox", seed="7", aspect_ratio="9:16", output_format="webp"
    )
    assert (generation.prompt, generation.seed, generation.output_format) == ("a fox", 7, "webp")
    assert (generation.width, generation.height) == (720, 1280)
    assert (generation.user, generation.key, generation.livemode) == (alice.user, None, True)
    assert wallet_of(alice.organization)[:2] == (1485, 15)


def test_teammate_orders_for_the_same_organization(alice: Person, bob: Person) -> None:
    assert ordered(browser_of(bob)).organization == alice.organization


def test_page_states_price_and_balance_before_and_after(alice: Person) -> None:
    words = text_of(browser_of(alice).get("/playground/"))
    assert "1,500 credits 100 images" in words
    assert "Make image · 15 credits" in words
    assert "Balance after: 1,485 credits" in words


def test_one_form_sent_twice_orders_once(alice: Person) -> None:
    client = browser_of(alice)
    token = order_token(client)
    first, again = ordered(client, order_token=token), ordered(client, order_token=token)
    assert first == again
    assert available(alice) == 1485


def test_form_changed_after_going_back_orders_another(alice: Person) -> None:
    client = browser_of(alice)
    token = order_token(client)
    first = ordered(client, order_token=token)
    assert ordered(client, order_token=token, prompt="another fox") != first


@pytest.mark.parametrize(
    "token", ["", "short", "no spaces allowed in here", "x" * 300, "ключ-ключ-ключ-ключ"]
)
def test_unusable_token_still_orders(alice: Person, token: str) -> None:
    assert ordered(browser_of(alice), order_token=token).idempotency_key is None


def test_each_shown_form_has_a_token_of_its_own(alice: Person) -> None:
    client = browser_of(alice)
    assert order_token(client) != order_token(client)


@pytest.mark.parametrize("prompt", ["😀" * 1000, "a\r\n" * 500])
def test_prompt_is_counted_as_the_page_counts_it(alice: Person, prompt: str) -> None:
    generation = ordered(browser_of(alice), prompt=prompt)
    assert len(generation.prompt) <= 1000
    assert "\r" not in generation.prompt


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": ""}, "Write what the image should show."),
        ({"prompt": " \n "}, "Write what the image should show."),
        ({"prompt": "😀" * 1001}, "The prompt has 1001 characters; 1000 is the most."),
        ({"prompt": "nul\x00"}, "Null characters are not allowed."),
        ({"aspect_ratio": "2:1"}, "Choose one of the shapes."),
        ({"aspect_ratio": ""}, "Choose one of the shapes."),
        ({"seed": "1.5"}, "A seed is a whole number"),
        ({"seed": "2147483648"}, "A seed is a whole number"),
        ({"output_format": "gif"}, "jpeg, png or webp"),
    ],
)
def test_bad_field_is_explained_beside_it_and_what_was_typed_is_kept(
    alice: Person, fields: dict[str, str], words: str
) -> None:
    sent = {"prompt": "a fox", "seed": "42"} | fields
    response = order(browser_of(alice), **sent)
    assert response.status_code == 400
    assert words in text_of(response)
    assert f'name="seed" value="{sent["seed"]}"' in response.content.decode()
    assert not Generation.objects.exists()


def test_missing_fields_are_explained(alice: Person) -> None:
    response = browser_of(alice).post("/playground/", {})
    assert response.status_code == 400
    assert "Write what the image should show." in text_of(response)


def test_prompt_is_shown_as_text_never_as_markup(alice: Person) -> None:
    html = order(
        browser_of(alice), prompt="</textarea><script>alert(1)</script>", seed="bad"
    ).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_empty_wallet_is_told_what_is_missing_and_where_to_go(alice: Person) -> None:
    ledger.take(alice.organization.pk, 1490, reference="manual:poor", actor="system")
    client = browser_of(alice)
    assert "Not enough credits for an image" in text_of(client.get("/playground/"))
    response = order(client, prompt="a kept fox")
    assert response.status_code == 402
    assert "Not enough credits: an image costs 15, you have 10." in text_of(response)
    assert 'href="/credits/"' in response.content.decode()
    assert "a kept fox" in response.content.decode()


def test_organization_that_owes_is_told_so(alice: Person) -> None:
    ledger.claw_back(alice.organization.pk, 1600, value_micros=0, reference="payment:1", actor="system")
    response = order(browser_of(alice))
    assert response.status_code == 402
    assert "owes 100 credits" in text_of(response)


def test_too_many_at_once_is_told_to_wait(alice: Person, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    client = browser_of(alice)
    ordered(client)
    response = order(client)
    assert (response.status_code, response["Retry-After"]) == (429, "2")
    assert "Too many images are being made at once." in text_of(response)


def test_too_fast_is_told_when_to_go_on(alice: Person, settings: Settings) -> None:
    settings.RATE_LIMIT_BURST = 1
    client = browser_of(alice)
    ordered(client)
    response = order(client, prompt="another fox")
    assert (response.status_code, response["Retry-After"]) == (429, "1")
    assert "Try again in 1 second." in text_of(response)
    assert open_tasks_of(alice.organization) == 1


def test_nothing_that_makes_images_is_told_as_such(alice: Person, settings: Settings) -> None:
    settings.DEMO = False
    response = order(browser_of(alice))
    assert response.status_code == 503
    assert "Nothing was charged. Try again in 60 seconds." in text_of(response)
    assert available(alice) == 1500


def test_suspended_organization_may_look_but_not_order(alice: Person) -> None:
    suspend(alice.organization)
    client = browser_of(alice)
    assert "is suspended and cannot order images" in text_of(client.get("/playground/"))
    response = order(client)
    assert response.status_code == 403
    assert "is suspended and cannot order images" in text_of(response)
    assert available(alice) == 1500


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING])
def test_viewer_and_billing_may_look_but_not_order(alice: Person, role: Role) -> None:
    client = browser_of(join("dora@studio.example", alice.organization, role))
    page = client.get("/playground/")
    assert f"Your role, {role.label}, may look, but not make images." in text_of(page)
    assert '<fieldset class="stack" disabled>' in page.content.decode()
    response = order(client)
    assert response.status_code == 403
    assert "Your role may look, but not make images." in text_of(response)
    assert not Generation.objects.exists()


def test_stranger_to_the_shop_is_sent_to_the_sign_in(db: None) -> None:
    response = browser_of().post("/playground/", {"prompt": "a fox"})
    assert (response.status_code, response.headers["Location"]) == (302, "/sign-in/?next=/home/")


def test_order_while_the_database_is_away_is_a_page_and_no_charge(alice: Person) -> None:
    client = browser_of(alice)
    token = order_token(client)
    with database_away():
        assert order(client, order_token=token).status_code == 503
    assert available(alice) == 1500
    ordered(client, order_token=token)
