"""`make screenshots`: names without ids, which are others each time, and sheets that hold every page."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from PIL import Image

from tests.processes import ROOT
from tests.screenshots import broken, pictures, sheets
from tests.screenshots.__main__ import Studio, make_room, name_of


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "member-landing"),
        ("/settings/export/", "member-settings-export"),
        ("/gallery/?mode=test", "member-gallery-mode-test"),
        ("/playground/task_01M8JZTCA1G9NJSDMB51MNN78B/", "member-playground-x"),
        ("/keys/key_0123456789abcdef01234567/", "member-keys-x"),
        ("/team/0f8fad5b-d9cb-469f-a165-70867728950e/", "member-team-x"),
        ("/credits/return/?session_id=cs_test_a1B2c3", "member-credits-return-session-id-x"),
    ],
)
def test_name_says_the_page_and_no_id(path: str, name: str) -> None:
    assert name_of("member", path, []) == name


@pytest.mark.django_db
def test_pages_of_errors_are_those_that_the_shop_answers() -> None:
    found = broken.pages(["en", "de"])["de"]
    assert set(found) == {"403", "404", "429", "500", "503", "expired"}
    for name, html in found.items():
        assert 'lang="de"' in html
        assert (name if name != "expired" else "403") in html


def test_pages_with_ids_are_numbered() -> None:
    paths = [f"/playground/task_{number:026d}/" for number in range(2)]
    assert [name_of("member", path, paths) for path in paths] == [
        "member-playground-x-0",
        "member-playground-x-1",
    ]


@pytest.mark.parametrize(
    ("only", "found"),
    [
        ("", {"public", "member", "newcomer", "billing", "resting", "resting-public"}),
        ("home", {"public", "member", "newcomer", "billing", "resting"}),
        ("^resting-public /pricing", {"resting-public"}),
        ("^resting ", {"resting"}),
    ],
)
def test_shops_that_stand_still_are_looked_at_too_or_alone(only: str, found: set[str]) -> None:
    studio = Studio.__new__(Studio)
    studio.filled = {
        "paths": ["/home/"],
        "member": [],
        "newcomer": ["/home/"],
        "still": {"resting": ["/home/"]},
    }
    studio.options = Namespace(only=only)
    assert {who for who, paths in studio._visits().items() if paths} == found


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 9000), (360, 90)])
def test_sheets_hold_every_page_in_as_many_files_as_it_takes(tmp_path: Path, width: int, height: int) -> None:
    cell = sheets.PHONE if width == 360 else sheets.DESKTOP
    folder = tmp_path / "phone-dark"
    folder.mkdir()
    files = []
    for number in range(cell.across * cell.down + 1):
        files.append(folder / f"page-{number}.png")
        Image.new("RGB", (width, height), "#ff0000").save(files[-1])
    first, second = sheets.write(folder, files)
    assert (first.name, second.name) == ("phone-dark-1.png", "phone-dark-2.png")
    with Image.open(second) as sheet:
        assert sheet.height < 1_000
        assert (255, 0, 0) in {colour for _count, colour in sheet.getcolors(1 << 24) or []}


def test_some_pages_taken_anew_leave_the_others_where_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "en" / "phone-dark"
    make_room(folder, only="")
    (folder / "page.png").touch()
    make_room(folder, only="usage")
    assert (folder / "page.png").exists()
    make_room(folder, only="")
    assert list(folder.iterdir()) == []


def test_sheets_of_an_earlier_time_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "phone-dark"
    (tmp_path / "phone-dark-7.png").touch()
    sheets.write(folder, [])
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_the_readme_are_small_and_renewed_from_what_was_taken(tmp_path: Path) -> None:
    taken = tmp_path / f"{pictures.SOURCES['usage']}.png"
    taken.parent.mkdir(parents=True)
    Image.effect_noise((1280, 2000), 90).convert("RGB").save(taken)
    [picture] = pictures.write(tmp_path, tmp_path / "images")
    with Image.open(picture) as found:
        assert found.size == (pictures.WIDTH, pictures.HEIGHT)
    kept = {file.stem: file for file in pictures.FOLDER.iterdir()}
    assert set(kept) == set(pictures.SOURCES)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for file in kept.values():
        assert file.stat().st_size < pictures.MOST_BYTES
        assert f"docs/images/{file.name}" in readme


def test_no_pages_make_no_sheet(tmp_path: Path) -> None:
    assert sheets.write(tmp_path / "nothing", []) == []


@pytest.mark.parametrize("program", ["tests.screenshots", "benchmarks"])
def test_programs_that_look_from_outside_start_without_settings(program: str) -> None:
    plain = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", program, "--help"]
    done = subprocess.run(
        command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
