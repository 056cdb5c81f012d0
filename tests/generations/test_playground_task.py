"""The page of one order: progress, the image, failures, canceling, ordering the same again."""

import datetime
import re

import pytest
from django.utils import timezone

from accounts.models import Role
from generations import lifecycle, runner
from generations.models import Generation, Image, Status
from tests.cast import Person, join
from tests.makers import set_price, wallet_of
from tests.pages import browser_of, made, ordered, text_of

HTMX = {"HX-Request": "true"}


def test_open_order_is_watched_and_can_be_canceled(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    html = client.get(f"/playground/{generation.task_id}/").content.decode()
    assert f'hx-get="/playground/{generation.task_id}/progress?seen=queued.0"' in html
    assert "every 1s" in html
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in html
    assert f'action="/playground/{generation.task_id}/cancel"' in html


def test_progress_is_told_in_words_and_percent(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    path = f"/playground/{generation.task_id}/progress"
    assert "Queued 0%" in text_of(client.get(path, {"seen": ""}, headers=HTMX))
    claimed = lifecycle.claim(generation.pk)
    assert claimed
    lifecycle.report_progress(claimed, 62)
    response = client.get(path, {"seen": "queued.0"}, headers=HTMX)
    assert "Rendering 62%" in text_of(response)
    assert 'id="news"' in response.content.decode()
    again = client.get(path, {"seen": "running.50"}, headers=HTMX)
    assert 'id="news"' not in again.content.decode()
    assert client.get(path, {"seen": "running.62"}, headers=HTMX).status_code == 204


def test_end_brings_the_image_and_the_new_balance(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    path = f"/playground/{generation.task_id}/progress"
    response = client.get(path, {"seen": "running.50"}, headers=HTMX)
    html = response.content.decode()
    assert "hx-get" not in html
    assert "1,485 credits" in text_of(response)
    [source] = re.findall(r'<img[^>]* src="([^"]+)" width="1280" height="720"', html)
    picture = client.get(source.replace("&amp;", "&"))
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")


def test_progress_outside_of_its_page_leads_there(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    response = client.get(f"/playground/{generation.task_id}/progress")
    assert response.headers["Location"] == f"/playground/{generation.task_id}/"


def test_progress_after_the_session_ended_leads_the_page_to_the_sign_in(alice: Person) -> None:
    generation = ordered(browser_of(alice))
    page = f"/playground/{generation.task_id}/"
    response = browser_of().get(
        f"{page}progress", headers={**HTMX, "HX-Current-URL": f"http://testserver{page}"}
    )
    assert response.headers["HX-Redirect"] == f"/sign-in/?next={page}"


def test_one_credit_is_written_without_plural(alice: Person) -> None:
    set_price(1)
    assert "1 credit an image" in text_of(browser_of().get("/"))
    client = browser_of(alice)
    assert "Make image · 1 credit " in text_of(client.get("/playground/"))
    generation = ordered(client)
    page = f"/playground/{generation.task_id}/"
    assert "1 credit is held, and back with you if it fails." in text_of(client.get(page))


def test_current_address_that_cannot_be_read_is_as_good_as_none(alice: Person) -> None:
    path = f"/playground/{ordered(browser_of(alice)).task_id}/progress"
    response = browser_of().get(path, headers={**HTMX, "HX-Current-URL": "http://["})
    assert (response.status_code, response.headers["Location"]) == (302, f"/sign-in/?next={path}")


def test_finished_order_shows_image_seed_size_and_download(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    response = client.get(f"/playground/{generation.task_id}/")
    html = response.content.decode()
    assert f"seed {generation.seed} 1280×720 15 credits" in text_of(response)
    assert " download>Download" in html
    assert "htmx" not in html
    assert "a fox in the snow" in html


def test_latest_images_lead_to_their_pages(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    tasks = [made(client, prompt=f"fox {number}") for number in range(9)]
    html = browser_of(bob).get("/playground/").content.decode()
    shown = re.findall(r'href="/playground/(task_\w+)/"', html)
    assert shown == [generation.task_id for generation in reversed(tasks[1:])]


def test_same_again_fills_the_form_with_the_seed_that_was_drawn(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client, prompt="a very special fox", output_format="webp")
    html = client.get(f"/playground/?again={generation.task_id}").content.decode()
    assert "a very special fox" in html
    assert f'name="seed" value="{generation.seed}"' in html
    assert re.search(r'value="16:9" checked', html)
    assert '<option value="webp" selected>' in html
    page = client.get(f"/playground/{generation.task_id}/").content.decode()
    assert 'name="seed" value=""' in page


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("content_rejected", "refused by the content rules"),
        ("failed", "The image could not be made."),
        ("timeout", "It took too long, so we stopped it."),
    ],
)
def test_failure_is_plain_and_cost_nothing(alice: Person, word: str, words: str) -> None:
    client = browser_of(alice)
    generation = made(client, prompt=f"sandbox:{word} fox")
    response = client.get(f"/playground/{generation.task_id}/")
    assert words in text_of(response)
    assert "It cost nothing." in text_of(response)
    assert wallet_of(alice.organization)[:2] == (1500, 0)


def test_failure_of_an_unknown_kind_is_explained_too(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    claimed = lifecycle.claim(generation.pk)
    assert claimed
    lifecycle.fail(claimed, "something_new")
    assert "The image could not be made." in text_of(client.get(f"/playground/{generation.task_id}/"))


def test_cancel_gives_the_credits_back(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    response = client.post(f"/playground/{generation.task_id}/cancel")
    assert response.headers["Location"] == f"/playground/{generation.task_id}/"
    assert "Canceled." in text_of(client.get(response.headers["Location"]))
    assert wallet_of(alice.organization)[:2] == (1500, 0)


def test_cancel_that_comes_too_late_shows_the_image(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    assert client.post(f"/playground/{generation.task_id}/cancel").status_code == 302
    assert Generation.objects.get().status == Status.SUCCEEDED


def test_viewer_sees_but_does_not_cancel(alice: Person) -> None:
    generation = ordered(browser_of(alice))
    client = browser_of(join("dora@studio.example", alice.organization, Role.VIEWER))
    page = client.get(f"/playground/{generation.task_id}/")
    assert page.status_code == 200
    assert "Cancel" not in text_of(page)
    response = client.post(f"/playground/{generation.task_id}/cancel")
    assert response.status_code == 403
    assert "Your role does not allow this" in text_of(response)
    assert Generation.objects.get().status == Status.QUEUED


def test_stranger_finds_nothing(alice: Person, charlie: Person) -> None:
    generation = ordered(browser_of(alice))
    client = browser_of(charlie)
    page = f"/playground/{generation.task_id}/"
    unknown = client.get("/playground/task_00000000000000000000000000/")
    for response in (
        client.get(page),
        client.get(f"{page}progress", headers=HTMX),
        client.post(f"{page}cancel"),
        client.get(f"/playground/?again={generation.task_id}"),
        client.get("/playground/no-task/"),
        unknown,
    ):
        assert response.status_code == 404
        assert (
            text_of(response).split("name this request")[0] == text_of(unknown).split("name this request")[0]
        )
    assert Generation.objects.get().status == Status.QUEUED


def test_signed_out_person_is_sent_to_the_sign_in(alice: Person) -> None:
    generation = ordered(browser_of(alice))
    page = f"/playground/{generation.task_id}/"
    assert browser_of().get(page).headers["Location"] == f"/sign-in/?next={page}"
    assert browser_of().post(f"{page}cancel").status_code == 302
    assert Generation.objects.get().status == Status.QUEUED


def test_image_past_its_retention_is_said_to_be_gone(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    long_ago = timezone.now() - datetime.timedelta(days=31)
    Image.objects.update(created_at=long_ago)
    response = client.get(f"/playground/{generation.task_id}/")
    assert "This image is no longer kept." in text_of(response)
    assert "<img" not in response.content.decode()
    assert "Latest" not in text_of(client.get("/playground/"))


def test_order_of_a_free_size_is_shown_in_it(alice: Person) -> None:
    from tests.cast import access_of_user
    from tests.makers import a_request

    request = a_request(aspect_ratio=None, size="512*768")
    generation = lifecycle.submit(access_of_user(alice.user), request, endpoint="test")
    runner.run(generation.pk)
    client = browser_of(alice)
    assert 'width="512" height="768"' in client.get(f"/playground/{generation.task_id}/").content.decode()
