"""The shop's one colour, made readable on light and on dark paper whatever the operator chose."""

import colorsys

Rgb = tuple[float, float, float]

LIGHT_PAPER, DARK_PAPER = "#f8f5ef", "#171411"  # as in static/css/palette.css
LIGHT_INK, DARK_INK = "#ffffff", "#171411"
READABLE = 5.3  # above the 4.5 that WCAG 2 asks of text, so that it also reads on cards
STEP = 0.02
CALMER = 0.8


def stylesheet(colour: str) -> str:
    """Custom properties for `colour`, six hexadecimal digits after `#`."""
    light, dark = on_light(colour), on_dark(colour)
    # Browsers without light-dark() show palette.css in light, and so this.
    return (
        f":root{{--accent:{light};--on-accent:{ink_on(light)}}}"
        f"@supports(color:light-dark(red,red)){{:root{{--accent:light-dark({light},{dark});"
        f"--on-accent:light-dark({ink_on(light)},{ink_on(dark)})}}}}"
    )


def on_light(colour: str) -> str:
    return readable_on(colour.lower(), LIGHT_PAPER)


def on_dark(colour: str) -> str:
    return readable_on(colour.lower(), DARK_PAPER)


def readable_on(colour: str, paper: str) -> str:
    """`colour`, made darker or lighter just as far as reading on `paper` needs; its hue stays."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parse(colour))
    step = STEP
    if _luminance(_parse(paper)) > 0.5:
        step = -STEP
    elif contrast(colour, paper) < READABLE:
        saturation *= CALMER  # full colours glare when lightened for the dark
    while contrast(colour, paper) < READABLE:
        lightness = min(1.0, max(0.0, lightness + step))
        colour = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour


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


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
