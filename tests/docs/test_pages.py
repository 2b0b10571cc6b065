"""Pages say each thing once, and a reader of README.md finds them all."""

import re
from pathlib import Path

import pytest

from .blocks import PAGES, ROOT, Page

CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
ALIKE = 50
"""Two lines that begin with as many equal characters tell one thing twice."""
PROSE = [
    *(page for page in PAGES if page.path != "docs/performance.md"),  # tables of measurements
    *(Page(str(path.relative_to(ROOT))) for path in sorted(ROOT.glob("packages/*/CHANGELOG.md"))),
]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.path)
def test_no_page_says_a_thing_twice(page: Page) -> None:
    beginnings = [line[:ALIKE] for line in CODE.sub("", page.text()).splitlines()]
    whole = [beginning for beginning in beginnings if len(beginning) == ALIKE]

    assert sorted({each for each in whole if whole.count(each) > 1}) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.name)
def test_readme_leads_to_each_page(path: Path) -> None:
    assert f"({path.relative_to(ROOT)})" in Page("README.md").text()
