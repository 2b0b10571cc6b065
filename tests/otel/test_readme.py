"""The README and the page of the documentation: their examples and their tables."""

import re
from pathlib import Path

from buoy.embedded.server import Server
from buoy_otel import OpenTelemetry
from tests.docs.blocks import Page, shell
from tests.support.fake_otlp import FakeCollector

README = Page("packages/otel/README.md")

NAME = re.compile(r"`([\w.]+)`")
SENT_TO = "http://localhost:4318"


def exported(page: str, folder: Path, url: str) -> FakeCollector:
    """What a collector gets when the commands of a page are run."""
    Page(page).write_files(folder)
    shop = folder / "shop.py"
    assert "OpenTelemetry()" in shop.read_text()
    # On a busy machine, an export may take longer than the plugin holds a process back for it.
    shop.write_text(shop.read_text().replace("OpenTelemetry()", "OpenTelemetry(flush_seconds=60)"))
    [commands] = Page(page).blocks("sh")
    assert SENT_TO in commands
    with FakeCollector() as collector:
        shell(commands.replace(SENT_TO, collector.endpoint), folder, url)
    return collector


def test_the_example_of_the_readme_exports_its_spans(tmp_path: Path, buoy_server: Server) -> None:
    collector = exported(README.path, tmp_path, buoy_server.url)

    [process] = collector.named("process purchasing")
    [inner] = collector.named("ask the bank")
    assert inner.parent == process.id
    assert process.attributes["buoy.job.class"] == "shop.ChargePurchase"


def test_the_example_of_the_page_exports_one_trace(tmp_path: Path, buoy_server: Server) -> None:
    collector = exported("docs/tracing.md", tmp_path, buoy_server.url)

    names = ("process orders", "send mail", "process mail")
    [orders], [send], [mail] = map(collector.named, names)
    assert (orders.parent, send.parent, mail.parent) == ("", orders.id, send.id)
    assert len({span.trace for span in collector.spans}) == 1
    assert collector.total("messaging.client.sent.messages") == 1
    assert {point.name for point in collector.points} == set(listed("metric"))
    shown = {name for span in collector.spans for name in span.attributes}
    assert shown <= set(listed("attribute")) <= shown | NOT_ALWAYS


NOT_ALWAYS = {"error.type", "buoy.job.lost", "buoy.job.tags"}
"""Attributes that the spans of the example do not have."""


def listed(what: str) -> list[str]:
    """The names in the first column of the table with this head."""
    table = README.text().split(f"\n| {what} |")[1].split("\n\n")[0]
    return [name for row in table.split("\n| ")[1:] for name in NAME.findall(row.split(" |")[0])]


def test_every_option_is_documented_with_its_default() -> None:
    for name, field in OpenTelemetry.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default}` |" in README.text()
