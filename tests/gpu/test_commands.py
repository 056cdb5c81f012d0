"""What operators are told of their card and their model before anything runs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.faults.shop import refusal
from tests.processes import free_port

Said = Callable[[str], subprocess.CompletedProcess[str]]


def test_a_check_makes_an_image_and_says_what_it_costs(said: Said) -> None:
    done = said("an image")
    assert done.returncode == 0, done.stderr
    for words in ("revision files-", "text encoder:", "denoising:", "decoding:", "an hour", "cost: 0.00"):
        assert words in done.stdout


def test_a_missing_card_is_said_and_not_a_traceback(said: Said) -> None:
    done = said("no card")
    assert done.returncode == 1
    assert "GPU_DEVICE" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_broken_in_the_folder_is_named_by_all_that_would_need_it(
    said: Said, broken: Path, tmp_path: Path
) -> None:
    file = str(broken / "vae" / "diffusion_pytorch_model.safetensors")
    for command in ("gpu_check", "gpu_worker"):
        done = said(f"broken, {command}")
        assert (done.returncode, done.stdout) == (1, "")
        assert file in done.stderr
        assert "download it again" in done.stderr
    settings = {"GPU_WORKERS": "1", "GPU_MODEL": str(broken), "GPU_DEVICE": "cpu"}
    assert file in refusal(tmp_path / "shop", free_port(), **settings)
