"""Every page as it is shown: with no data, with much and with hostile data, in light and dark, on
wide and narrow screens. None has an obstacle that axe finds, none is wider than its screen, no
table has a value out of sight, none complains, and none asks another host."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ViewportSize

from buoy import App, Job
from buoy.embedded.server import Server

from .. import scenes, shop
from .addresses import addresses
from .conftest import Open

SCENES: dict[str, Callable[[App], object]] = {
    "nothing": lambda app: None,
    "much": lambda app: shop.fill(app, hours=2, workers=4, busy=6, waiting=3),
    "hostile": scenes.fill_hostile,
    "long": scenes.fill_long,
}
LOOKS = [*((scene, "light") for scene in SCENES), ("much", "dark"), ("hostile", "dark")]
"""Each scene, and how it is looked at. Colours are alike in all scenes."""

WIDE: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 820, "height": 1100}
PHONE: ViewportSize = {"width": 360, "height": 700}
LEFT_EDGES = "[...document.querySelectorAll('div.axis time')].map(e => e.getBoundingClientRect().x)"
HIDDEN = "Object.defineProperty(document, 'hidden', {get: () => true})"
"""Lets pages not update themselves, as those that nobody looks at: they stay while axe works."""
MISSING = ["error: Failed to load resource: the server responded with a status of 404 (Not Found)"]


@pytest.fixture(scope="module", params=SCENES)
def filled(request: pytest.FixtureRequest) -> Iterator[App]:
    """An app on a server of its own, with this data: it is filled once for all pages."""
    before = Job.app
    with Server() as server:
        Job.app = app = App(server.url)
        SCENES[request.param](app)
        Job.app = before
        yield app


@pytest.mark.parametrize("part", ["page", "queue", "job"])
@pytest.mark.parametrize(("filled", "theme"), LOOKS, indirect=["filled"])
def test_every_page_is_accessible_and_fits_a_phone(
    filled: App, open_tab: Open, monkeypatch: pytest.MonkeyPatch, theme: str, part: str
) -> None:
    monkeypatch.setattr(Job, "app", filled)
    tab = open_tab(filled, color_scheme=theme, viewport=WIDE if theme == "light" else PHONE)
    tab.page.add_init_script(HIDDEN)
    found = {}
    for name, path in addresses(filled, part):
        tab.go(path)
        if violations := tab.violations():
            found[name] = violations
        for screen in (TABLET, PHONE):
            tab.resize(screen)
            if wider := tab.overflow():
                found[f"{name} at {screen['width']}"] = [f"{wider} pixels too wide"]
            if cut := tab.cut_tables():
                found[f"tables of {name} at {screen['width']}"] = [f"{cut} are cut"]
        if theme == "light":
            tab.resize(WIDE)
        if name == "missing":
            assert tab.complaints == MISSING
            tab.complaints.clear()

    assert found == {}


def test_each_time_below_a_chart_stands_where_its_bar_begins(filled: App, open_tab: Open) -> None:
    tab = open_tab(filled, viewport=WIDE)
    tab.go("/?span=day")

    left, *others = tab.page.evaluate(LEFT_EDGES)
    width = tab.page.locator(".chart").bounding_box()["width"]  # type: ignore[index]

    # The chart shows 24 hours, with a time at each fourth.
    assert [round((x - left) / width * 24) for x in others] == [4, 8, 12, 16, 20]
