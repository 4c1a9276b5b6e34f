from pathlib import Path

from dataplane.virtual.coverage import TARGET, document


def test_the_coverage_page_is_current():
    page = Path(__file__).parents[3] / TARGET
    assert page.read_text(encoding="utf-8") == document(), (
        "run: python -m dataplane.virtual.coverage"
    )
