"""The landscapes the sandbox draws: every line and colour follows from the prompt and the seed alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from random import Random

from PIL import Image, ImageColor, ImageDraw, ImageFilter

Color = tuple[int, int, int]
Ridge = Callable[[float], float]  # x in 0..1 of the width -> height of the land there, in 0..1 of the picture

RESAMPLE = Image.Resampling


@dataclass(frozen=True, slots=True)
class Palette:
    """`sky` runs from the zenith to the horizon; hills blend from `far` to `near`."""

    sky: tuple[str, str, str, str]
    light: str
    far: str
    near: str
    night: bool = False


PALETTES = (
    Palette(("#5b7aa8", "#a9b4cf", "#f0c9b0", "#ffe3c0"), "#fff3d6", "#c9a3a0", "#2e2a3b"),
    Palette(("#3b2a4f", "#8a3f5e", "#d9694f", "#ffb464"), "#ffe2a0", "#a8505a", "#1c1524"),
    Palette(("#5e9bd0", "#9cc6e6", "#d2e5ee", "#f6f0de"), "#fffbe8", "#9fb9c8", "#1f343e"),
    Palette(("#7fbfae", "#b3dcca", "#dcefd9", "#fbf3d6"), "#fffdec", "#8fbca6", "#1d3731"),
    Palette(("#94785b", "#bfa27d", "#e2cba3", "#f6e7c9"), "#fff6de", "#b39570", "#2b2118"),
    Palette(("#7d72ad", "#c093bd", "#edb1b6", "#fcd9c5"), "#fff0e6", "#b286a5", "#33203a"),
    Palette(("#2f4f5a", "#5c8188", "#9ab5b0", "#dbdac4"), "#f4f2dc", "#7d9c9c", "#142428"),
    Palette(("#c97f45", "#e5a55e", "#f6cd87", "#fdebc0"), "#fffbe6", "#c98c55", "#35200f"),
    Palette(("#0b1226", "#15254a", "#2b4470", "#61779c"), "#f4f1de", "#3a5278", "#070b16", night=True),
    Palette(("#140f2b", "#2b1f55", "#5a3a7d", "#a5648f"), "#ffeeda", "#5c4583", "#0d0918", night=True),
    Palette(("#06141f", "#0b2b38", "#14524c", "#46937a"), "#ecfff2", "#245f5d", "#03090d", night=True),
)


def draw_landscape(prompt: str, seed: int, width: int, height: int, ground: float) -> Image.Image:
    """An RGB picture of `width` x `height` pixels; what matters lies above `ground` (0..1 of the height)."""
    digest = sha256(f"{seed}\0{prompt}".encode("utf-8", "surrogatepass")).digest()
    return _Scene(Random(int.from_bytes(digest)), width, height, ground).draw()  # noqa: S311 - art, no secret


class _Scene:
    """Random numbers are drawn in the same order at every size, so that a seed keeps its scene."""

    def __init__(self, rng: Random, width: int, height: int, ground: float) -> None:
        self.rng, self.width, self.height, self.ground = rng, width, height, ground
        self.unit = min(width, height)
        self.palette = PALETTES[int(rng.random() * len(PALETTES))]
        self.horizon = ground * rng.uniform(0.54, 0.64)
        self.sun_x, self.sun_y = rng.uniform(0.2, 0.8), self.horizon * rng.uniform(0.34, 0.84)
        self.alpine = rng.random() < 0.45
        self.lake = rng.random() < 0.5
        self.image = Image.new("RGB", (width, height))

    def draw(self) -> Image.Image:
        self._sky()
        if self.palette.night:
            self._stars()
        self._sun_or_moon()
        self._clouds()
        layers = 3 + int(self.rng.random() * 2)
        shore = self.ground * 0.93
        for number in range(layers):
            depth = number / layers
            bottom = shore if self.lake else self.ground
            level = self.horizon + (bottom - self.horizon) * depth**1.25 * (0.42 if self.lake else 0.86)
            self._hill(depth, self._ridge(level, depth))
        if self.lake:
            self._water(self.horizon + (shore - self.horizon) * 0.5)
        if not self.palette.night:
            self._birds()
        self._foreground()
        return self.image

    # --- The air --------------------------------------------------------------------------------

    def _sky(self) -> None:
        stops = [_rgb(stop) for stop in self.palette.sky]
        column = Image.new("RGB", (1, len(stops)))
        column.putdata(stops)
        below = int(self.height * self.horizon * 1.12)
        self.image.paste(stops[-1], (0, 0, self.width, self.height))
        self.image.paste(column.resize((self.width, below), RESAMPLE.BICUBIC), (0, 0))

    def _stars(self) -> None:
        mask = Image.new("L", self.image.size)
        pen = ImageDraw.Draw(mask)
        for _ in range(150):
            x, y = self.rng.random() * self.width, self.rng.random() ** 1.4 * self.horizon * self.height
            size, glow = (
                self.rng.random() ** 6 * self.unit / 420 + self.unit / 1400,
                self.rng.uniform(60, 235),
            )
            fade = 1 - y / (self.horizon * self.height)
            pen.ellipse((x - size, y - size, x + size, y + size), fill=int(glow * (0.25 + 0.75 * fade)))
        self.image.paste((255, 250, 236), (0, 0), mask)

    def _sun_or_moon(self) -> None:
        light, night = _rgb(self.palette.light), self.palette.night
        x, y = round(self.sun_x * self.width), round(self.sun_y * self.height)
        for reach, strength in ((1.5, 0.5), (0.62, 0.45)) if not night else ((1.1, 0.22), (0.36, 0.3)):
            side = int(self.unit * reach)
            glow = _glow(round(strength * 100)).resize((side, side), RESAMPLE.BICUBIC)
            self.image.paste(light, (x - side // 2, y - side // 2), glow)
        radius = round(self.unit * self.rng.uniform(0.045, 0.08))
        disc = _disc(radius, crescent=night and self.rng.random() < 0.5)
        self.image.paste(
            _mix(light, (255, 255, 255), 0.35), (x - disc.width // 2, y - disc.height // 2), disc
        )

    def _clouds(self) -> None:
        width, height = 192, max(48, 192 * self.height // self.width)
        mask = Image.new("L", (width, height))
        pen = ImageDraw.Draw(mask)
        for _ in range(3 + int(self.rng.random() * 4)):
            x, y = self.rng.random() * width, self.rng.uniform(0.12, 0.9) * self.horizon * height
            for _ in range(6):
                half = self.rng.uniform(0.06, 0.2) * width
                left, top = (
                    x + self.rng.uniform(-0.14, 0.14) * width,
                    y + self.rng.uniform(-0.012, 0.012) * height,
                )
                thick = self.rng.uniform(0.4, 1.0) * width * 0.008
                pen.ellipse((left - half, top - thick, left + half, top + thick), fill=150)
        soft = mask.filter(ImageFilter.GaussianBlur(2.2)).resize(self.image.size, RESAMPLE.BICUBIC)
        strength = 0.4 if self.palette.night else 0.75
        color = _mix(_rgb(self.palette.sky[3]), _rgb(self.palette.light), 0.2 if self.palette.night else 0.7)
        self.image.paste(color, (0, 0), soft.point([round(value * strength) for value in range(256)]))

    def _birds(self) -> None:
        x, y = self.rng.uniform(0.15, 0.85), self.horizon * self.rng.uniform(0.3, 0.7)
        mask = Image.new("L", (self.width * 2, int(self.height * self.horizon) * 2))
        pen = ImageDraw.Draw(mask)
        for _ in range(int(self.rng.random() * 6)):
            left = (x + self.rng.uniform(-0.1, 0.1)) * mask.width
            top = (y + self.rng.uniform(-0.05, 0.05)) * self.height * 2
            wing = self.unit * self.rng.uniform(0.012, 0.022)
            for side in (-1, 1):
                points = [
                    (left + side * wing * step / 4, top - wing * 0.5 * math.sin(step / 4 * 2.4))
                    for step in range(5)
                ]
                pen.line(points, fill=190, width=max(2, self.unit // 260), joint="curve")
        self.image.paste(_rgb(self.palette.near), (0, 0), mask.reduce(2))

    # --- The land -------------------------------------------------------------------------------

    def _ridge(self, level: float, depth: float) -> Ridge:
        """Far alpine ridges are broken lines, all others slow waves."""
        if self.alpine and depth < 0.5:
            relief = 0.2 * (1 - depth) * self.ground * min(1, 1.7 * self.width / self.height)
            return _broken_line(self.rng, level - 0.03, relief)
        swell = (0.07 - 0.02 * depth) * self.ground
        waves = [
            (swell / k, k * self.rng.uniform(1.6, 3.4), self.rng.uniform(0, math.tau)) for k in (1, 2, 4.5)
        ]
        return lambda x: level - sum(size * math.sin(x * pace + phase) for size, pace, phase in waves)

    def _hill(self, depth: float, ridge: Ridge, trees: list[tuple[float, float]] | None = None) -> None:
        """Fill the land below `ridge`; it fades into haze towards the foot. `trees`: (x, height), 0..1."""
        columns = max(128, self.width // 3)
        line = [(x / columns, ridge(x / columns)) for x in range(columns + 1)]
        tallest = max((size for _, size in trees), default=0.0) * self.unit / self.height if trees else 0.0
        top = max(0, int((min(y for _, y in line) - tallest) * self.height) - 2)
        bottom = min(self.height, max(top + 2, int(max(y for _, y in line) * self.height) + 2))
        mask = Image.new("L", (self.width * 2, (bottom - top) * 2))
        pen = ImageDraw.Draw(mask)
        land = [(x * mask.width, (y * self.height - top) * 2) for x, y in line]
        pen.polygon([(0, mask.height), *land, (mask.width, mask.height)], fill=255)
        for x, size in trees or ():
            _pine(pen, x * mask.width, (ridge(x) * self.height - top) * 2 + 4, size * self.unit * 2)
        color = _mix(_rgb(self.palette.far), _rgb(self.palette.near), depth**1.15)
        haze = _mix(color, _rgb(self.palette.sky[3]), 0.55 * (1 - depth) ** 0.8)
        fill = _gradient(color, haze, self.width, max(2, int(self.height * (0.26 + 0.1 * depth))))
        box = Image.new("RGB", (self.width, self.height - top), haze)
        box.paste(fill, (0, 0))
        cover = Image.new("L", box.size, 255)
        cover.paste(mask.reduce(2), (0, 0))
        self.image.paste(box, (0, top), cover)

    def _foreground(self) -> None:
        level = self.ground * self.rng.uniform(0.9, 0.95)
        lean = self.rng.choice((-1, 1)) * self.rng.uniform(0.02, 0.09) * self.ground
        waves = [(0.02 / k, k * self.rng.uniform(2, 5), self.rng.uniform(0, math.tau)) for k in (1, 2.3)]

        def ridge(x: float) -> float:
            return (
                level
                + lean * (x - 0.5) * 2
                - sum(size * math.sin(x * pace + phase) for size, pace, phase in waves)
            )

        trees: list[tuple[float, float]] = []
        for _ in range(int(self.rng.random() * 4)):
            middle, spread = self.rng.random(), self.rng.uniform(0.03, 0.12)
            for _ in range(3 + int(self.rng.random() * 8)):
                trees.append((middle + self.rng.gauss(0, spread), self.rng.uniform(0.035, 0.115)))
        self._hill(0.98, ridge, trees)

    def _water(self, level: float) -> None:
        """A lake from `level` down: the picture above it mirrored and smeared sideways, with glitter."""
        top = int(level * self.height)
        depth = self.height - top
        mirror = self.image.crop((0, max(0, top - depth), self.width, top)).transpose(
            Image.Transpose.FLIP_TOP_BOTTOM
        )
        smear = mirror.resize((max(8, self.width // 14), max(8, depth // 2)), RESAMPLE.BOX)
        water = smear.resize((self.width, depth), RESAMPLE.BICUBIC)
        tint = _gradient(_rgb(self.palette.sky[3]), _rgb(self.palette.sky[0]), self.width, depth)
        water = Image.blend(water, tint, 0.3)
        glitter = Image.new("L", (self.width, depth * 2))
        pen = ImageDraw.Draw(glitter)
        for _ in range(150):
            y = self.rng.random() ** 1.5
            in_path = self.rng.random() < 0.6
            x = self.sun_x + self.rng.gauss(0, 0.02 + 0.05 * y) if in_path else self.rng.random()
            half = self.rng.uniform(0.01, 0.05) * self.unit * (0.3 + y)
            thick = (0.5 + 2.2 * y) * self.unit / 900
            box = (x * self.width - half, y * depth * 2 - thick, x * self.width + half, y * depth * 2 + thick)
            pen.ellipse(box, fill=int(self.rng.uniform(40, 190) if in_path else self.rng.uniform(10, 60)))
        water.paste(_rgb(self.palette.light), (0, 0), glitter.reduce((1, 2)))
        self.image.paste(water, (0, top))


def _broken_line(rng: Random, level: float, relief: float) -> Ridge:
    """Mountains by midpoint displacement: each halving adds detail of a little over half the size."""
    heights = [rng.uniform(-0.4, 0.4), rng.uniform(-0.2, 0.6), rng.uniform(-0.4, 0.4)]
    size = 0.5
    while len(heights) < 257:
        middles = [(a + b) / 2 + rng.uniform(-size, size) for a, b in pairwise(heights)]
        heights = [value for pair in zip(heights, middles, strict=False) for value in pair] + [heights[-1]]
        size *= 0.52

    def ridge(x: float) -> float:
        at = min(max(x, 0.0), 1.0) * (len(heights) - 1)
        left = min(int(at), len(heights) - 2)
        return level - relief * (heights[left] + (heights[left + 1] - heights[left]) * (at - left))

    return ridge


def _pine(pen: ImageDraw.ImageDraw, x: float, foot: float, size: float) -> None:
    for tier in range(4):
        tip, base = foot - size * (1 - tier * 0.2), foot - size * (0.62 - tier * 0.2)
        half = size * (0.09 + 0.05 * tier)
        pen.polygon([(x, tip), (x - half, base), (x + half, base)], fill=255)
    pen.rectangle((x - size * 0.025, foot - size * 0.1, x + size * 0.025, foot), fill=255)


@lru_cache(maxsize=16)
def _glow(percent: int) -> Image.Image:
    """A round light that fades to nothing at the rim, `percent` opaque in the middle."""
    rim = 180  # what Pillow's gradient reads where its circle touches the edge of the square
    fade = [round(255 * percent / 100 * max(0, 1 - value / rim) ** 2) for value in range(256)]
    return Image.radial_gradient("L").point(fade)


def _disc(radius: int, *, crescent: bool) -> Image.Image:
    side = (radius * 2 + 4) * 4
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    pen.ellipse((8, 8, side - 9, side - 9), fill=255)
    if crescent:
        right, up = radius * 1.8, radius * 1.0
        pen.ellipse((8 + right, 8 - up, side - 9 + right, side - 9 - up), fill=0)
    return mask.reduce(4)


def _gradient(top: Color, bottom: Color, width: int, height: int) -> Image.Image:
    column = Image.new("RGB", (1, height))
    column.putdata([_mix(top, bottom, y / max(1, height - 1)) for y in range(height)])
    return column.resize((width, height), RESAMPLE.NEAREST)


def _mix(one: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _rgb(text: str) -> Color:
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue
