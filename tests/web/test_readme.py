"""The examples of the README do what it says."""

import sys
from pathlib import Path

import pytest

from buoy import App, Job
from tests.docs.blocks import Page

from .conftest import Browser

PAGE = Page("packages/web/README.md")


class Gift(Job):
    tags = ["good-customer"]

    def perform(self, order: int) -> None: ...


def test_a_package_adds_the_page_of_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser, buoy_app: App
) -> None:
    package, installed = tmp_path / "shop_notes", tmp_path / "shop_notes-1.dist-info"
    for folder in (package, package / "templates", installed):
        folder.mkdir()
    (package / "__init__.py").touch()
    PAGE.write_files(package)
    [template], [points] = PAGE.blocks("html"), PAGE.blocks("toml")
    (package / "templates" / "notes.html").write_text(template)
    name, _, value = points.splitlines()[1].partition(" = ")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-notes\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(f"[buoy.pages]\n{name} = {value.strip(chr(34))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    site = browser()

    try:
        assert "There is no note." in site.text("/notes")
        assert site.get("/api/notes").json() == {"note": ""}
        page = site.post("/notes/write", "/notes", note="<b>Call</b> Ann")
        assert "The note is written." in page.text
        assert "Notes <b>Call</b> Ann" in site.text("/notes")
        assert "The note is written." in site.text("/audit")
        assert "Write" not in browser(lambda _: "viewer").text("/notes")
        assert "Customer" not in site.text("/jobs")
        job = buoy_app.build(Gift, 1)
        job.plugin_data["shop_notes"] = {"wrapped": "in <blue>"}
        id = buoy_app.submit(job).id
        assert "Customer" in site.text("/jobs")
        assert "Notes wrapped in <blue>" in site.text(f"/jobs/{id}")
    finally:
        for module in ("shop_notes", "shop_notes.pages"):
            sys.modules.pop(module, None)
