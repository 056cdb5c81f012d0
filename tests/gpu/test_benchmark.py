"""The benchmark for GPUs: it runs here with the tiny model, and its model is as large as the real one."""

import os
from pathlib import Path

import pytest

from benchmarks import gpu, gpu_model

GB = 10**9


def test_it_measures_stages_and_the_naive_call_with_a_tiny_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)  # as on a command line
    lines = list(gpu.main(["--tiny", "--device", "cpu", "stages", "naive"]))
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings"
    assert len(lines) == 2 * 4 + 2, lines
    for words in ("text encoder", "denoising", "decoding", "one call of diffusers"):
        assert any(words in line for line in lines), words
    assert not any("Error" in line or "no time left" in line for line in lines), lines


def test_its_model_has_the_size_of_the_real_one(tmp_path: Path) -> None:
    """Put together without memory, so also where there is no GPU."""
    pipe = gpu_model.build(tmp_path, tiny=False, device="meta")
    parts = {name: getattr(pipe, name) for name in ("transformer", "text_encoder", "vae")}
    weights = {name: [*part.parameters(), *part.buffers()] for name, part in parts.items()}
    assert 6.1e9 < sum(one.numel() for one in weights["transformer"]) < 6.2e9
    size = sum(one.numel() * one.element_size() for ones in weights.values() for one in ones)
    assert 20.3 * GB < size < 20.7 * GB, "docs/gpu.md says 20.5 GB"
