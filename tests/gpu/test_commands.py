"""What operators are told of their card and their model before anything runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.faults.shop import refusal
from tests.processes import ROOT, free_port


def manage(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path / "data"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_check_makes_an_image_and_says_what_it_costs(tmp_path: Path, model: Path) -> None:
    arguments = ["gpu_check", "--size", "256x256", "--price-per-hour", "2.5"]
    done = manage(tmp_path, *arguments, GPU_MODEL=str(model), GPU_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    for words in ("revision files-", "text encoder:", "denoising:", "decoding:", "an hour", "cost: 0.00"):
        assert words in done.stdout


def test_a_missing_card_is_said_and_not_a_traceback(tmp_path: Path, model: Path) -> None:
    done = manage(tmp_path, "gpu_check", GPU_MODEL=str(model), GPU_DEVICE="cuda:7")
    assert done.returncode == 1
    assert "GPU_DEVICE" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_broken_in_the_folder_is_named_by_all_that_would_need_it(tmp_path: Path, model: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    broken = folder / "vae" / "diffusion_pytorch_model.safetensors"
    broken.write_bytes(broken.read_bytes()[:-10])
    for command in ("gpu_check", "gpu_worker"):
        done = manage(tmp_path, command, GPU_MODEL=str(folder), GPU_DEVICE="cpu")
        assert (done.returncode, done.stdout) == (1, "")
        assert str(broken) in done.stderr
        assert "download it again" in done.stderr
    line = refusal(tmp_path / "shop", free_port(), GPU_WORKERS="1", GPU_MODEL=str(folder), GPU_DEVICE="cpu")
    assert str(broken) in line
