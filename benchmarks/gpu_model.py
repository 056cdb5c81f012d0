"""Z-Image-Turbo at its full size with random weights, made on the device itself; or a tiny one."""

import platform
from pathlib import Path
from typing import Any

import torch
from diffusers import ZImagePipeline, ZImageTransformer2DModel
from transformers import Qwen3Config, Qwen3Model

from tests.gpu import tiny as tiny_model

STD = 0.02


def build(folder: Path, *, tiny: bool, device: str) -> Any:
    """The pipeline on the device; its tokenizer also lies in `folder`, where tokens are counted by it."""
    if tiny:
        tiny_model.build(folder)
        return ZImagePipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True).to(device)
    tokenizer = tiny_model.tiny_tokenizer()
    tokenizer.save_pretrained(folder / "tokenizer")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            transformer = ZImageTransformer2DModel()  # its defaults are the model's
            text_encoder = Qwen3Model(
                Qwen3Config(
                    hidden_size=2560,
                    intermediate_size=9728,
                    num_hidden_layers=36,
                    num_attention_heads=32,
                    num_key_value_heads=8,
                    head_dim=128,
                    vocab_size=151_936,
                    max_position_embeddings=40_960,
                )
            )
            decoder = tiny_model.a_decoder((128, 256, 512, 512), layers_per_block=2, sample_size=1024)
    finally:
        torch.set_default_dtype(before)
    for model in (transformer, text_encoder, decoder):
        _randomize(model.eval())
    return tiny_model.a_pipeline(transformer, text_encoder, decoder, tokenizer)


def _randomize(model: Any) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() < 2 and "norm" in name and name.endswith("weight"):
                parameter.fill_(1.0)
            else:
                parameter.normal_(0.0, STD)


def facts(device: str) -> dict[str, str]:
    is_cuda = device.startswith("cuda")
    return {
        "Device": torch.cuda.get_device_name(device) if is_cuda else f"processor, {platform.machine()}",
        "torch": torch.__version__,
    }
