"""The page about Django, followed from its beginning to its end."""

import re
from pathlib import Path

from .blocks import Page, shell

FILE = re.compile(r"# (\w+/\w+\.py)(, at the end)?\n")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_about_django_leads_to_jobs_that_run(tmp_path: Path) -> None:
    said = follow(Page("docs/django.md"), tmp_path)

    assert "packed order 1\n" in said
    assert "Created test" not in said
    assert re.search(r"^[0-9a-f]{28}$", said, re.MULTILINE)


def follow(page: Page, folder: Path) -> str:
    """Do what a page says, block by block; returns what the commands have said."""
    said = ""
    for language, body in BLOCK.findall(page.text()):
        if language == "python":
            write(body, folder)
        elif not body.startswith("pip "):
            said += shell(body, folder, "")
    return said


def write(body: str, folder: Path) -> None:
    """Write a block into the file that its first line names, or append it."""
    named = FILE.match(body)
    assert named is not None, body
    file = folder / named[1]
    before = file.read_text() if named[2] else ""
    file.write_text(before + body)
