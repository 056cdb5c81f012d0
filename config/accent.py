"""The shop's one colour, made readable on light and on dark paper whatever the operator chose."""

Rgb = tuple[float, float, float]

LIGHT_PAPER, DARK_PAPER = "#f8f5ef", "#171411"  # as in static/css/shop.css
LIGHT_INK, DARK_INK = "#ffffff", "#171411"
READABLE = 4.5  # the contrast that WCAG 2 asks of text
STEP = 0.04


def stylesheet(colour: str) -> str:
    """Custom properties for `colour`, six hexadecimal digits after `#`."""
    light = readable_on(colour, LIGHT_PAPER)
    dark = readable_on(colour, DARK_PAPER)
    return (
        f":root{{--accent:{light};--on-accent:{ink_on(light)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{ink_on(dark)}}}}}"
    )


def readable_on(colour: str, paper: str) -> str:
    """`colour`, moved away from `paper` just as far as reading needs."""
    target = (0.0, 0.0, 0.0) if _luminance(_parse(paper)) > 0.5 else (1.0, 1.0, 1.0)
    share = 0.0
    while contrast(_hex(mixed := _mix(_parse(colour), target, share)), paper) < READABLE:
        share += STEP
    return _hex(mixed)


def ink_on(colour: str) -> str:
    return max((LIGHT_INK, DARK_INK), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """From 1 to 21, as WCAG 2 defines it."""
    darker, lighter = sorted((_luminance(_parse(one)), _luminance(_parse(other))))
    return (lighter + 0.05) / (darker + 0.05)


def _parse(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


def _mix(colour: Rgb, target: Rgb, share: float) -> Rgb:
    red, green, blue = (min(1.0, max(0.0, a + (b - a) * share)) for a, b in zip(colour, target, strict=True))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
