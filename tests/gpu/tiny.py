"""A pipeline of the real classes with next to nothing in them: 1.7 MB, built without a network in a tenth of a second,
and loaded back by the product's own code. What it draws is noise; its weights are in no repository.

What does not depend on the size is put together here for the benchmark at full size as well.
"""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(folder: Path) -> Path:
    """Saves it there, as a download lies."""
    torch.manual_seed(7)
    tokenizer = tiny_tokenizer()
    transformer = ZImageTransformer2DModel(
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[1536, 512, 512],
    )
    decoder = a_decoder(
        (8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, sample_size=64, mid_block_add_attention=False
    )
    text_encoder = Qwen3Model(
        Qwen3Config(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            vocab_size=len(tokenizer) + 8,
            max_position_embeddings=1024,
        )
    )
    a_pipeline(transformer, text_encoder, decoder, tokenizer).save_pretrained(folder)
    return folder


def a_decoder(channels: tuple[int, ...], **size: Any) -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=channels,
        latent_channels=16,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
        **size,
    )


def a_pipeline(
    transformer: ZImageTransformer2DModel,
    text_encoder: Qwen3Model,
    decoder: AutoencoderKL,
    tokenizer: Qwen2Tokenizer,
) -> ZImagePipeline:
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=decoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )


def tiny_tokenizer() -> Qwen2Tokenizer:
    """Of the 256 bytes, without merges."""
    vocabulary = {sign: number for number, sign in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bare = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    bare.add_special_tokens([AddedToken(word, special=True) for word in SPECIAL])
    tokenizer = Qwen2Tokenizer(
        tokenizer_object=bare,
        unk_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
