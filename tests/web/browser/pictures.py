"""Takes pictures of the dashboard: ``make screenshots``.

Of every page, at three widths, in light and dark, with no data, much data and hostile data, into a
folder that is not committed. ``--readme`` takes the three of the README instead.
"""

import argparse
import base64
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from buoy import App, Job
from buoy.embedded.server import Server
from buoy_web import Person, dashboard

from .. import scenes, shop
from .addresses import addresses
from .chromium import chromium
from .serving import Served, served

ROOT = Path(__file__).parents[3]
HEIGHTS = {390: 844, 820: 1100, 1200: 800}
"""The height of the screen by its width: a phone, a tablet, a laptop."""
SCENES: dict[str, Callable[[App], object]] = {
    "empty": lambda app: None,
    "shop": shop.fill,
    "many": shop.many,
    "hostile": scenes.fill_hostile,
    "long": scenes.fill_long,
}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
README: tuple[tuple[str, str, Theme], ...] = (
    ("dashboard.webp", "overview", "light"),
    ("dashboard-failed.webp", "failed", "dark"),
    ("dashboard-job.webp", "job-failed", "light"),
)
"""File, page and theme of the pictures of the README."""


def take_all(browser: Browser, site: Served, folder: Path, words: list[str]) -> None:
    """Take a picture of each page in each scene, width and theme, if its name has all words."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene, fill in SCENES.items():
        pages = show(site, fill)
        for width, height in HEIGHTS.items():
            for theme in THEMES:
                with new_page(browser, width, height, theme) as page:
                    for name, path in pages.items():
                        file = f"{name}-{scene}-{width}-{theme}.png"
                        if all(word in file for word in words):
                            page.goto(site.address + path)
                            page.screenshot(path=folder / file, full_page=True)


def take_for_readme(browser: Browser, site: Served) -> None:
    """Take the pictures of the README: small files, sharp on dense screens."""
    pages = show(site, shop.fill)
    for file, name, theme in README:
        with new_page(browser, 1200, 700, theme, scale=1.5) as page:
            page.goto(site.address + pages[name])
            page.wait_for_load_state("networkidle")
            picture = page.context.new_cdp_session(page).send(
                "Page.captureScreenshot", {"format": "webp", "quality": 80}
            )
            (ROOT / "docs" / "pictures" / file).write_bytes(base64.b64decode(picture["data"]))


def show(site: Served, fill: Callable[[App], object]) -> dict[str, str]:
    """Let the site show an app with this data; returns the paths of its pages by name."""
    Job.app.command("FLUSHALL")
    fill(Job.app)
    site.site = dashboard(Job.app, authorize=lambda _: Person("admin", "ann"))
    return dict(addresses(Job.app))


@contextmanager
def new_page(
    browser: Browser, width: int, height: int, theme: Theme, scale: float = 1
) -> Iterator[Page]:
    screen = {"width": width, "height": height}
    with browser.new_context(
        viewport=screen,  # type: ignore[arg-type]  # it is a typed dictionary of the same form
        color_scheme=theme,
        device_scale_factor=scale,
        locale="en-GB",
    ) as context:
        yield context.new_page()


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes pictures of the dashboard.")
    parser.add_argument("--readme", action="store_true", help="take those of the README")
    parser.add_argument("--folder", default=ROOT / "screenshots", type=Path)
    parser.add_argument("words", nargs="*", help="what the names of the pictures must hold")
    options = parser.parse_args()
    logging.getLogger("buoy").addHandler(logging.NullHandler())
    with Server() as server, chromium() as browser, served() as site:
        Job.app = App(server.url)
        if options.readme:
            take_for_readme(browser, site)
        else:
            take_all(browser, site, options.folder, options.words)


if __name__ == "__main__":
    main()
