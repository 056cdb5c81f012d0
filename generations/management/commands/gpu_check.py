"""Whether this machine can make images, how fast, and what each costs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from generations.engine import check, weights
from generations.engine.config import FAKE, EngineConfig


class Command(OperatorCommand):
    help = (
        "Look at the libraries, the device, its memory and the model's folder, make one image twice, and print how "
        "long each stage took, the images of an hour and what each costs. Exit 1 when something is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", default="1024x1024", metavar="WxH")
        parser.add_argument("--prompt", default="a lighthouse at dusk, oil painting")
        parser.add_argument(
            "--price-per-hour", type=float, default=0.0, metavar="MONEY", help="what the card costs you"
        )
        parser.add_argument("--no-image", action="store_true", help="load nothing")

    def work(self, **options: Any) -> None:
        config = EngineConfig.from_settings()
        if config.backend == FAKE:
            self.refuse("GPU_BACKEND=fake draws gradients; there is nothing to check.")
        problems = list(config.problems())
        if problems:
            self.refuse("\n".join(problems))
        width, height = self._size(options["size"])
        folder = Path(config.model)
        size_gib = weights.size_bytes(folder) / check.GIB
        self.stdout.write(f"model: {folder}, {size_gib:.1f} GiB, revision {weights.revision(folder)}")
        try:
            for line in check.device_lines(config):
                self.stdout.write(line)
            if options["no_image"]:
                return
            measured = check.measure(config, width, height, options["prompt"])
        except Exception as error:  # noqa: BLE001 - of drivers and libraries: this command is there to tell
            self.refuse(f"{type(error).__name__}: {error}")
        self.stdout.write(f"loaded in {measured.loading_s:.1f} s")
        for stage, seconds in measured.stages_s.items():
            self.stdout.write(f"{stage}: {seconds:.3f} s")
        if measured.peak_bytes:
            self.stdout.write(f"memory at the most: {measured.peak_bytes / check.GIB:.1f} GiB")
        self.stdout.write(
            f"one image of {width}x{height}: {measured.total_s:.2f} s, {measured.images_per_hour:.0f} an hour"
        )
        if options["price_per_hour"]:
            cost = measured.cost(options["price_per_hour"])
            self.stdout.write(
                f"cost: {cost:.6f} an image on a card that is never idle; enter what it really is at the upstream"
            )
        if settings.C2PA_CERTIFICATE:
            self.stdout.write("C2PA: images will be signed")

    def _size(self, text: str) -> tuple[int, int]:
        parts = text.lower().replace("*", "x").split("x")
        if len(parts) != 2 or not all(part.isdecimal() for part in parts):
            self.refuse(f"--size={text}: expected a size such as 1024x1024.")
        width, height = int(parts[0]), int(parts[1])
        if any(side % 16 or not 256 <= side <= 1536 for side in (width, height)):
            self.refuse("--size: each side is a multiple of 16 from 256 to 1536.")
        return width, height
