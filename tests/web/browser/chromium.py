"""The Chromium of the system, driven by playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-quic", "--disable-gpu", "--disable-component-update"]
OPTIONS += ["--disable-background-networking", "--disable-sync", "--no-first-run"]
OPTIONS += ["--force-color-profile=srgb", "--hide-scrollbars", "--font-render-hinting=none"]
PATIENCE = 120_000
"""Milliseconds for whatever a browser is to do: far more than it takes on the busiest machine."""
MISSING = (
    "expected a Chromium on PATH ({}) or in BUOY_CHROMIUM, got none; on Debian as root: "
    "apt-get install chromium"
).format(", ".join(NAMES))


def find_chromium() -> str | None:
    """Returns the path of the Chromium that BUOY_CHROMIUM names, or else of the system's."""
    named = os.environ.get("BUOY_CHROMIUM")
    names = [named] if named else NAMES
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Gives a browser without a window. Raises LookupError if there is none."""
    path = find_chromium()
    if path is None:
        raise LookupError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS, timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()
