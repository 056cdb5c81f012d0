"""Images are signed as made by a model where the shop has a certificate for that, and stay images."""

import json
from io import BytesIO
from pathlib import Path

import c2pa
import pytest
from PIL import Image
from pytest_django import Settings

from generations import intake
from generations.engine import files
from tests.gpu import certificates

FACTS = {"model": "Z-Image-Turbo", "revision": "abc"}


@pytest.fixture
def signing(tmp_path: Path, settings: Settings) -> None:
    chain, key = certificates.write(tmp_path)
    settings.C2PA_CERTIFICATE, settings.C2PA_KEY = str(chain), str(key)
    files._signer.cache_clear()


def picture() -> Image.Image:
    return Image.linear_gradient("L").resize((256, 256)).convert("RGB")


@pytest.mark.parametrize("output_format", ["jpeg", "png", "webp"])
def test_a_signed_image_says_that_a_model_made_it(signing: None, output_format: str) -> None:
    data = files.as_file(picture(), output_format, FACTS)
    checked = intake.prepare(data, output_format)  # what is stored is what was signed
    assert checked.data == data
    manifest = json.loads(c2pa.Reader(checked.content_type, BytesIO(data)).json())
    active = manifest["manifests"][manifest["active_manifest"]]
    assert "trainedAlgorithmicMedia" in json.dumps(active["assertions"])
    assert "Z-Image-Turbo" in json.dumps(active["assertions"])
    assert "thumbnail" not in active


def test_without_a_certificate_nothing_is_signed(settings: Settings) -> None:
    data = files.as_file(picture(), "jpeg", FACTS)
    assert b"c2pa" not in data


def test_a_key_that_does_not_fit_is_an_error_and_no_unsigned_image(
    signing: None, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "other").mkdir()
    settings.C2PA_CERTIFICATE = str(certificates.write(tmp_path / "other")[0])
    files._signer.cache_clear()
    with pytest.raises(files.NotSigned):
        files.as_file(picture(), "jpeg", FACTS)
