"""The readers of the environment: what they take, and that a bad value is named together with its cure."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("LIMIT", raising=False)
    monkeypatch.delenv("LIMIT_FILE", raising=False)
    return monkeypatch


def test_absent_and_empty_mean_the_default(put: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        if value is not None:
            put.setenv("LIMIT", value)
        assert env.integer("LIMIT", 7, 1, 10) == 7
        assert env.seconds("LIMIT", 1.5, 1, 10) == 1.5
        assert env.flag("LIMIT", True) is True
        assert env.word("LIMIT", "a", ("a", "b")) == "a"
        assert env.networks("LIMIT") == []
        assert env.address("LIMIT", "", ("http",), "http://host") is None
        assert env.text("LIMIT") == ""


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("10", 10), (" 3 ", 3)])
def test_whole_number_within_bounds_is_taken(put: pytest.MonkeyPatch, text: str, value: int) -> None:
    put.setenv("LIMIT", text)
    assert env.integer("LIMIT", 7, 1, 10) == value


@pytest.mark.parametrize("text", ["0", "11", "-1", "1.0", "ten", "1e1", "0x1", "1 0"])
def test_other_whole_numbers_name_the_variable_and_what_is_expected(
    put: pytest.MonkeyPatch, text: str
) -> None:
    put.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured) as caught:
        env.integer("LIMIT", 7, 1, 10)
    assert str(caught.value) == f"LIMIT={text!r}: expected a whole number from 1 to 10."


@pytest.mark.parametrize("text", ["0.4", "61", "nan", "inf", "-inf", "soon", "1,5"])
def test_other_seconds_name_the_variable_and_what_is_expected(put: pytest.MonkeyPatch, text: str) -> None:
    put.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured, match=r"^LIMIT='.*': expected seconds from 0.5 to 60\.$"):
        env.seconds("LIMIT", 1, 0.5, 60)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("YES", True), ("on", True), ("true", True), ("0", False), ("No", False)]
)
def test_flag_is_read_in_the_usual_words(put: pytest.MonkeyPatch, text: str, value: bool) -> None:
    put.setenv("LIMIT", text)
    assert env.flag("LIMIT", not value) is value


@pytest.mark.parametrize("text", ["2", "maybe", "t", "-1"])
def test_other_flags_name_the_variable(put: pytest.MonkeyPatch, text: str) -> None:
    put.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured, match=r"^LIMIT='.*': expected 1 or 0"):
        env.flag("LIMIT", False)


def test_word_that_is_not_offered_names_those_that_are(put: pytest.MonkeyPatch) -> None:
    put.setenv("LIMIT", "c")
    with pytest.raises(ImproperlyConfigured, match=r"^LIMIT='c': expected a or b"):
        env.word("LIMIT", "a", ("a", "b"))


def test_networks_are_split_at_commas(put: pytest.MonkeyPatch) -> None:
    put.setenv("LIMIT", " 10.0.0.0/8, ,::1 ")
    assert env.networks("LIMIT") == ["10.0.0.0/8", "::1"]


@pytest.mark.parametrize("text", ["proxy", "10.0.0.0/99", "10.0.0.1;10.0.0.2"])
def test_other_networks_name_the_variable(put: pytest.MonkeyPatch, text: str) -> None:
    put.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured, match=r"^LIMIT='.*': expected addresses or networks"):
        env.networks("LIMIT")


@pytest.mark.parametrize(
    "text", ["host", "http://", "http://:80", "ftp://host", "http://host:x", "http://host:0"]
)
def test_bad_address_names_the_variable_and_does_not_repeat_it(put: pytest.MonkeyPatch, text: str) -> None:
    put.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured) as caught:
        env.address("LIMIT", "", ("http",), "http://shop.example")
    assert str(caught.value) == "LIMIT: expected an address such as http://shop.example."


def test_file_variant_goes_first_and_is_stripped(put: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "limit").write_text("5\n")
    put.setenv("LIMIT", "3")
    put.setenv("LIMIT_FILE", str(tmp_path / "limit"))
    assert env.integer("LIMIT", 7, 1, 10) == 5


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_unreadable_file_is_named_with_its_variable(
    put: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "limit"
    if content is not None:
        file.write_bytes(content)
    put.setenv("LIMIT_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=rf"^LIMIT_FILE={file}: cannot be read"):
        env.text("LIMIT")


def test_secret_is_made_once_kept_and_readable_by_its_owner_alone(
    put: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    made = env.kept_secret("LIMIT", folder)
    assert len(made) >= 32
    assert env.kept_secret("LIMIT", folder) == made
    assert stat.S_IMODE((folder / "limit").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_given_secret_is_used_and_not_written_down(put: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put.setenv("LIMIT", "s" * 32)
    assert env.kept_secret("LIMIT", tmp_path / "secrets") == "s" * 32
    assert not (tmp_path / "secrets").exists()


def test_short_secret_is_refused_and_not_repeated(put: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put.setenv("LIMIT", "hunter2")
    with pytest.raises(ImproperlyConfigured, match=r"^LIMIT: too short") as caught:
        env.kept_secret("LIMIT", tmp_path)
    assert "hunter2" not in str(caught.value)


def test_cut_off_secret_file_is_refused_rather_than_replaced(put: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "limit").write_text("short")
    with pytest.raises(ImproperlyConfigured, match=r"^LIMIT: .* restore it from a backup"):
        env.kept_secret("LIMIT", tmp_path)


def test_folder_that_cannot_be_made_is_named_with_the_cure(put: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=r"^DATA_DIR: .* Name a writable folder"):
        env.kept_secret("LIMIT", tmp_path / "file" / "secrets")


def test_origins_are_read_to_the_port(put: pytest.MonkeyPatch) -> None:
    put.setenv(
        "LIMIT", "http://GPU.internal:30000, https://shop.internal/, http://10.0.0.7,http://[fd00::1]:8000"
    )
    assert env.origins("LIMIT") == {
        ("http", "gpu.internal", 30000),
        ("https", "shop.internal", 443),
        ("http", "10.0.0.7", 80),
        ("http", "fd00::1", 8000),
    }


@pytest.mark.parametrize(
    "text", ["http://h:0", "http://h:99999", "http://h?x", "http://h#x", "http://", "h", "*"]
)
def test_what_is_no_origin_is_refused(put: pytest.MonkeyPatch, text: str) -> None:
    put.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured, match="scheme, host and port"):
        env.origins("LIMIT")
