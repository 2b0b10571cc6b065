"""One page in a browser, and what it complains about."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.resources import files
from typing import Any, Self

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, ViewportSize, expect

from .chromium import PATIENCE
from .serving import Served

expect.set_options(timeout=PATIENCE)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
CUT = """async () => {
  await new Promise(requestAnimationFrame);
  const frames = [...document.querySelectorAll("main .scroll")];
  return frames.filter((each) => each.scrollWidth > each.clientWidth).length;
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Tab:
    """A browser's tab on the dashboard."""

    def __init__(self, page: Page, site: Served) -> None:
        self.page, self.site = page, site
        page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.updates = 0
        """How often the page has asked what has changed."""
        self.listeners: dict[str, Callable[[Any], None]] = {
            "console": self.on_console,
            "pageerror": lambda error: self.complaints.append(f"error: {error}"),
            "request": self.on_request,
        }

    def __enter__(self) -> Self:
        for event, listener in self.listeners.items():
            self.page.on(event, listener)  # type: ignore[call-overload]  # each name has its type
        return self

    def __exit__(self, *_: object) -> None:
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        assert self.complaints == []

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def on_request(self, request: Request) -> None:
        if not request.url.startswith((self.site.address + "/", "data:")):
            self.complaints.append(f"asks {request.url}")
        self.updates += request.headers.get("hx-request") == "true"

    def go(self, path: str) -> None:
        self.page.goto(self.site.address + path)

    def press(self, name: str) -> None:
        """Press the button of this name; the page must have only one."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def complains(self, text: str) -> AbstractContextManager[object]:
        """Within the block the page is to complain of this; that is seen when the block ends."""
        return self.page.expect_console_message(lambda said: text in said.text)

    def reads(self, text: str) -> None:
        """Wait until the page says this."""
        expect(self.page.locator("main")).to_contain_text(text)

    def said(self, text: str) -> None:
        """Wait until the page tells that this was done."""
        expect(self.page.locator(".said")).to_contain_text(text)

    def row(self, text: str) -> Locator:
        """The row of a table that says this."""
        return self.page.locator("tbody tr").filter(has_text=text)

    def pick(self, *texts: str) -> None:
        """Tick the boxes of these rows."""
        for text in texts:
            self.row(text).get_by_role("checkbox").check()

    def pass_time(self, seconds: float) -> None:
        """Let time pass for the scripts of the page; its clock must have been installed."""
        self.page.clock.run_for(round(seconds * 1000))

    def resize(self, screen: ViewportSize) -> None:
        """Give the window another size, and wait until the scripts of the page have heard of it:
        they are told before the next frame is drawn."""
        self.page.set_viewport_size(screen)
        self.page.evaluate(
            "new Promise(seen => requestAnimationFrame(() => requestAnimationFrame(seen)))"
        )

    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        found: int = self.page.evaluate(OVERFLOW)
        return found

    def cut_tables(self) -> int:
        """How many tables have values or buttons that are out of sight."""
        found: int = self.page.evaluate(CUT)
        return found

    def violations(self) -> list[str]:
        """Returns what axe finds on the page, with the elements that it means."""
        # Scripts of tests are not bound by the policy of the page.
        self.page.evaluate(AXE)
        found: dict[str, Any] = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
