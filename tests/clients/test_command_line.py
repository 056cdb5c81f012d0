"""The command `tintype`: what it prints where, and what it ends with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import environment
from tests.clients.stand_in import IMAGE, KEY, NOW, PLAIN, TASK, Drop, Reply, StandIn, error
from tests.processes import free_port
from tests.waiting import wait_until
from tintype import _operations
from tintype.cli import main
from tintype.cli._codes import MEANINGS, Code
from tintype.cli._parser import parser

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Status, what went to stdout and what to stderr; in a folder of its own."""
    monkeypatch.setenv("TINTYPE_API_KEY", KEY)
    monkeypatch.setenv("TINTYPE_BASE_URL", stand_in.base_url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_operations, "FIRST_POLL_S", 0.001)

    def ran(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        return code, *capsys.readouterr()

    return ran


def _status(status: str, **members: object) -> Reply:
    return Reply(200, {"id": TASK, "status": status, "progress": 40} | members)


# --- generate -----------------------------------------------------------------------------------


def test_generate_saves_the_image_and_prints_its_path(run: Run, stand_in: StandIn) -> None:
    code, out, err = run("generate", "a lighthouse", "--ratio", "16:9", "-o", "out.jpg")
    assert (code, out) == (0, "out.jpg\n")
    assert err.splitlines() == [f"{TASK} queued 0 %", f"{TASK} running 62 %", f"{TASK} succeeded 100 %"]
    assert Path("out.jpg").read_bytes() == IMAGE
    assert stand_in.seen[0].body == {
        "prompt": "a lighthouse",
        "aspect_ratio": "16:9",
        "output_format": "jpeg",
    }


def test_generate_sends_all_that_was_asked_for(run: Run, stand_in: StandIn) -> None:
    code, out, _ = run(
        "generate", "a fox", "--size", "512x512", "--seed", "7", "--format", "png", "--n", "2", "--model", "m",
        "--metadata", "order=12", "--metadata", "note=a=b", "--no-wait", "--idempotency-key", "once",
    )  # fmt: skip
    assert (code, out) == (0, f"{TASK}\n")
    assert stand_in.seen[0].body == {
        "prompt": "a fox", "size": "512x512", "seed": 7, "output_format": "png", "n": 2, "model": "m",
        "metadata": {"order": "12", "note": "a=b"},
    }  # fmt: skip
    assert stand_in.seen[0].headers["idempotency-key"] == "once"
    assert len(stand_in.seen) == 1


def test_several_images_are_numbered(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("generate", "a fox", "--n", "3", "-o", "out.png")
    assert (code, out.split()) == (0, ["out-1.png", "out-2.png", "out-3.png"])
    assert sorted(file.name for file in tmp_path.iterdir()) == out.split()


def test_in_a_folder_an_image_is_named_by_its_task(run: Run) -> None:
    Path("made").mkdir()
    assert run("generate", "a fox", "--format", "webp", "-o", "made")[1] == f"made/{TASK}.webp\n"


def test_without_a_place_the_address_is_printed(run: Run, stand_in: StandIn) -> None:
    assert run("generate", "a fox")[1] == stand_in.image()["url"] + "\n"


@pytest.mark.parametrize("place", ["nowhere/out.jpg", "locked/out.jpg"])
def test_a_place_that_cannot_be_written_is_known_before_anything_is_paid(
    run: Run, stand_in: StandIn, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as root everything can be written
    code, out, err = run("generate", "a fox", "-o", place)
    assert (code, out) == (Code.FILE, "")
    assert place.split("/", maxsplit=1)[0] in err
    assert stand_in.seen == []


def test_a_generation_that_fails_says_why(run: Run, stand_in: StandIn) -> None:
    stand_in.then(
        _status("queued"), _status("failed", error={"type": "content_rejected", "message": "Refused"})
    )
    code, out, err = run("generate", "a fox", "-o", "out.jpg")
    assert (code, out) == (Code.FAILED, "")
    assert f"{TASK} failed: Refused" in err
    assert not Path("out.jpg").exists()


def test_images_that_are_kept_no_longer_are_not_missed_in_silence(run: Run, stand_in: StandIn) -> None:
    stand_in.then(_status("succeeded", images_deleted_at=NOW))
    code, out, err = run("status", TASK, "-o", "out.jpg")
    assert (code, out, "have been deleted" in err) == (Code.FILE, "", True)


def test_who_does_not_want_to_wait_longer_is_told_how_to_go_on(run: Run, stand_in: StandIn) -> None:
    stand_in.then(_status("queued"), *[_status("running")] * 99)
    code, _, err = run("generate", "a fox", "--timeout", "0.01")
    assert code == Code.LATER
    assert f"tintype status --wait {TASK}" in err


def test_an_order_without_an_answer_can_be_repeated_without_paying_twice(run: Run, stand_in: StandIn) -> None:
    stand_in.then(Drop(is_done=True), Reply(500, b""))
    for code in (Code.CONNECTION, Code.SHOP):
        status, _, err = run("generate", "a fox", "--retries", "0", "--no-wait", "--idempotency-key", "once")
        assert (status, "--idempotency-key once" in err) == (code, True)
    assert run("generate", "a fox", "--idempotency-key", "once", "--no-wait")[1] == f"{TASK}\n"
    assert len(stand_in.orders) == 1


def test_an_order_that_surely_never_arrived_needs_no_advice(run: Run) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    code, _, err = run("generate", "a fox", "--base-url", address, "--retries", "0")
    assert (code, "--idempotency-key" in err) == (Code.CONNECTION, False)
    assert address in err


# --- The others ---------------------------------------------------------------------------------


def test_facts_are_printed_a_line_each(run: Run) -> None:
    assert run("balance") == (0, "available  285\nheld       15\nowed       0\nimages     19\n", "")


def test_lists_are_tables(run: Run) -> None:
    for prompt in ("a lighthouse", "a fox"):
        run("generate", prompt, "--no-wait")
    code, out, _ = run("list", "--limit", "5")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["ID", f"task_{2:024}", TASK]
    assert out.splitlines()[1].endswith("a fox")
    assert run("models")[1].splitlines()[1] == "z-image-turbo  15       4        1024x1024 1280x720"
    assert run("usage", "--group-by", "day,model")[1].splitlines()[1].split()[:3] == [
        "2026-11-22", "tt_live_ab12", "z-image-turbo",
    ]  # fmt: skip


def test_no_more_is_listed_than_asked_for(run: Run, stand_in: StandIn) -> None:
    for number in range(3):
        run("generate", f"lighthouse {number}", "--no-wait")
    stand_in.seen.clear()
    assert len(run("list", "--limit", "2")[1].splitlines()) == 3
    assert [seen.query["limit"] for seen in stand_in.seen] == ["2"]


def test_a_task_is_looked_at_waited_for_and_canceled(run: Run) -> None:
    run("generate", "a lighthouse", "--no-wait")
    assert "running, 62 %" in run("status", TASK)[1]
    assert run("status", TASK, "-o", "later.jpg")[1] == "later.jpg\n"
    code, _, err = run("cancel", TASK)
    assert (code, "already_ended" in err) == (Code.CONFLICT, True)
    assert (
        "try again" not in err
    )  # the shop says Retry-After with every 409; another try changes nothing here
    run("generate", "another", "--no-wait")
    assert "canceled" in run("cancel", f"task_{2:024}")[1]


def test_a_receipt_says_what_became_of_the_money(run: Run) -> None:
    run("generate", "a lighthouse", "--no-wait")
    code, out, _ = run("receipt", TASK)
    assert (code, [line.split()[-1] for line in out.splitlines()]) == (
        0, [TASK, "15", "s", "capture", "15", "0", "300", "285"],
    )  # fmt: skip
    assert "ok in 1.21 s" in out


def test_a_receipt_of_what_is_free_waits_for_nothing(run: Run, stand_in: StandIn) -> None:
    stand_in.then(Reply(200, {"task": TASK, "hold": None, "attempts": [], "settlement": None}))
    assert run("receipt", TASK)[1].splitlines()[1:] == ["settled  nothing: it is free"]


@pytest.mark.parametrize("arguments", [("balance",), ("models",), ("usage",), ("list",)])
def test_json_is_what_the_shop_said(run: Run, arguments: tuple[str, ...]) -> None:
    said = PLAIN.get(f"/{arguments[0]}", {"data": []})
    assert json.loads(run(*arguments, "--json")[1]) == said.get("data", said)


# --- Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(400, "invalid_field", param="size"), Code.USAGE),
        (error(401, "unauthenticated"), Code.KEY),
        (error(403, "insufficient_scope"), Code.KEY),
        (error(402, "spend_cap_reached"), Code.CREDITS),
        (error(404, "not_found"), Code.NOT_FOUND),
        (error(409, "too_late_to_cancel"), Code.CONFLICT),
        (error(422, "idempotency_mismatch"), Code.CONFLICT),
        (error(429, "rate_limited", retry_after=3600), Code.LATER),
        (error(503, "overloaded", retry_after=3600), Code.LATER),
        (error(418, "teapot"), Code.USAGE),
        (Reply(200, b"<html>"), Code.SHOP),
    ],
)
def test_each_error_has_its_status(run: Run, stand_in: StandIn, reply: Reply, code: Code) -> None:
    stand_in.then(reply)
    assert run("status", TASK)[0] == code


def test_a_lack_of_credits_says_how_many_and_where_to_get_them(run: Run, stand_in: StandIn) -> None:
    mend: dict[str, Any] = {"required": 15, "available": 3, "fix_url": "https://shop.example/credits/"}
    stand_in.then(error(402, "insufficient_credits", "Insufficient credits", **mend))
    code, out, err = run("generate", "a fox")
    assert (code, out) == (Code.CREDITS, "")
    assert "15 credits are needed, 3 are available" in err
    assert "mend it here: https://shop.example/credits/" in err


def test_without_a_key_it_says_which_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINTYPE_API_KEY")
    code, _, err = run("balance")
    assert (code, "TINTYPE_API_KEY" in err) == (Code.USAGE, True)


@pytest.mark.parametrize("where", ["before", "after"])
def test_options_count_before_the_command_and_after_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("TINTYPE_API_KEY", "tt_live_wrong")
    arguments = ("--api-key", KEY, "balance") if where == "before" else ("balance", "--api-key", KEY)
    assert run(*arguments)[0] == 0


def test_the_key_is_never_printed(run: Run, stand_in: StandIn) -> None:
    stand_in.then(error(400, "invalid_field", f"{KEY} is no field"), Reply(200, {"echo": KEY}))
    said = [*run("status", TASK), *run("balance", "--apikey", KEY), *run("list", KEY)]
    run("generate", KEY, "--no-wait")
    said += [*run("list"), *run("list", "--json")]
    assert KEY not in "".join(map(str, said))
    assert f"{KEY[:12]}…" in "".join(map(str, said))


def test_words_of_others_do_not_reach_the_terminal_as_commands(run: Run) -> None:
    run("generate", "a \x1b[2J lighthouse\x9b\n", "--no-wait")
    assert not any(sign in run("list")[1] for sign in "\x1b\x9b")
    assert not any(sign in run("list", "--json")[1] for sign in "\x1b\x9b")


def test_a_terminal_that_knows_no_other_script_gets_what_it_can_show(stand_in: StandIn) -> None:
    for arguments, shown in ((["generate", "灯台 \udc80", "--no-wait"], TASK), (["list"], "??")):
        done = subprocess.run(
            [sys.executable, "-m", "tintype", *arguments],
            env=environment(stand_in.base_url) | {"PYTHONIOENCODING": "ascii:strict"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert shown in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("generate",),
        ("generate", "a", "--ratio", "1:1", "--size", "512x512"),
        ("generate", "a", "--metadata", "novalue"),
        ("generate", "a", "--timeout", "0"),
        ("list", "--limit", "0"),
        ("usage", "--start", "yesterday"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_sent(
    run: Run, stand_in: StandIn, arguments: tuple[str, ...]
) -> None:
    assert run(*arguments)[0] == Code.USAGE
    assert stand_in.seen == []


def test_each_status_is_documented() -> None:
    assert set(MEANINGS) == set(Code)
    assert all(f"{code:3}  {meaning}" in parser().format_help() for code, meaning in MEANINGS.items())


# --- As a process -------------------------------------------------------------------------------


def test_a_terminal_shows_a_bar(stand_in: StandIn, tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "tintype", "generate", "a lighthouse", "-o", "out.jpg"],
        cwd=tmp_path, env=environment(stand_in.base_url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=terminal, check=True, timeout=60,
    )  # fmt: skip
    os.close(terminal)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.stdout == b"out.jpg\n"
    assert f"[{'#' * 18}{'.' * 12}]  62 %  running" in shown
    assert f"[{'#' * 30}] 100 %  succeeded" in shown
    assert shown.count("\r\n") == shown.count("\n") == 1


def test_ctrl_c_leaves_the_task_running_and_says_its_id(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.then(_status("queued"), *[_status("running")] * 999)
    process = subprocess.Popen(
        [sys.executable, "-m", "tintype", "generate", "a lighthouse", "-o", "out.jpg"],
        cwd=tmp_path, env=environment(stand_in.base_url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: len(stand_in.seen) >= 2, "the task to be waited for", timeout_s=30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (Code.INTERRUPTED, "")
    assert f"tintype status --wait -o out.jpg {TASK}" in err
    assert f"tintype cancel {TASK}" in err
    assert "Traceback" not in err
    assert not any(seen.path.endswith("/cancel") for seen in stand_in.seen)


def test_a_reader_that_leaves_early_is_no_error(stand_in: StandIn) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m tintype models | true; echo ${{PIPESTATUS[0]}}"],
        env=environment(stand_in.base_url), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")
