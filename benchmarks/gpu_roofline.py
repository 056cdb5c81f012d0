"""How fast Z-Image-Turbo can be at best: its multiplications, divided by what a card does of them in a second."""

LAYERS, REFINERS = 30, 2
DIM, HIDDEN = 3840, 10240
TEXT_TOKENS = 128
STEPS = 8
TFLOP = 1e12
# At the limit of the same card, whatever the size: small beside the steps.
TEXT_ENCODER_TFLOP = 4.0
DECODER_TFLOP_PER_MEGAPIXEL = 10.0


def step_tflop(width: int, height: int, text_tokens: int = TEXT_TOKENS) -> float:
    """Of one image and one step: linear layers, and attention of every token to every other."""
    image = (width // 16) * (height // 16)
    tokens = image + text_tokens
    linear = 2 * (4 * DIM * DIM + 3 * DIM * HIDDEN)  # q, k, v, out; a gated feed-forward

    def layers(count: int, of_tokens: int) -> float:
        return count * (linear * of_tokens + 4 * DIM * of_tokens * of_tokens)

    total = layers(LAYERS, tokens) + layers(REFINERS, image) + layers(REFINERS, text_tokens)
    return total / TFLOP


def image_s(width: int, height: int, *, tflops: float, steps: int = STEPS) -> float:
    """Seconds of one image on a card that does so many TFLOP in a second."""
    megapixels = width * height / 1e6
    work = steps * step_tflop(width, height) + TEXT_ENCODER_TFLOP + DECODER_TFLOP_PER_MEGAPIXEL * megapixels
    return work / tflops
