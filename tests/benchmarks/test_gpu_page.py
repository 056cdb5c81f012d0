"""The GPU's figures: what they are held against, and where they stand."""

from pathlib import Path

import pytest

from benchmarks import gpu_page, gpu_roofline

SIZE = (1024, 1024)


@pytest.mark.parametrize(
    ("size", "tflop"), [((512, 512), 13.7), ((1280, 720), 49.3), (SIZE, 56.6), ((1536, 1536), 148.7)]
)
def test_a_step_is_as_much_work_as_was_computed_by_hand(size: tuple[int, int], tflop: float) -> None:
    assert gpu_roofline.step_tflop(*size) == pytest.approx(tflop, rel=0.01)


def test_no_image_is_faster_than_the_card_can_multiply() -> None:
    assert gpu_roofline.image_s(*SIZE, tflops=790) == pytest.approx(0.59, abs=0.01)


def test_a_row_tells_the_ratio_or_why_there_is_none() -> None:
    row = gpu_page.Row("sizes", "end to end", SIZE, 4, seconds=2.0, peak_gib=25.0, floor_s=1.0)
    assert row.cells == ["sizes", "end to end", "1024x1024", "4", "2.000", "0.500", "2.00", "25.0"]
    failed = gpu_page.Row("attention", "_native_cudnn", SIZE, 1, problem="not | here")
    assert failed.cells[4] == "not / here"


def test_the_section_is_replaced_and_the_rest_of_the_page_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Performance\n\nrest\n\n{gpu_page.HEADING}\n\n{gpu_page.NOT_MEASURED}\n")
    monkeypatch.setattr(gpu_page, "PAGE", page)
    gpu_page.write([gpu_page.Row("sizes", "end to end", SIZE, 1, seconds=1.0)], {"Device": "X"}, tiny=False)
    written = page.read_text()
    assert written.startswith("# Performance\n\nrest\n\n## An own GPU\n")
    assert gpu_page.NOT_MEASURED not in written
    assert "| sizes | end to end | 1024x1024 | 1 | 1.000 |" in written
    assert gpu_page.kept(written) == written[written.index(gpu_page.HEADING) :]
    with pytest.raises(ValueError, match="tiny"):
        gpu_page.write([], {}, tiny=True)


def test_a_page_without_figures_says_so() -> None:
    assert gpu_page.NOT_MEASURED in gpu_page.kept("# Performance\n")
