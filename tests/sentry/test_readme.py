"""The README and the page of the documentation: their examples and their tables."""

from pathlib import Path

import pytest

from buoy.embedded.server import Server
from buoy_sentry import Sentry
from tests.docs.blocks import Page, shell
from tests.support.fake_sentry import FakeSentry, error_of

README = Page("packages/sentry/README.md")

SENT_TO = "https://key@sentry.example.com/1"


@pytest.mark.parametrize(
    ("page", "attempt"), [("packages/sentry/README.md", "1"), ("docs/errors.md", "3")]
)
def test_the_example_sends_the_error(
    page: str, attempt: str, tmp_path: Path, buoy_server: Server
) -> None:
    Page(page).write_files(tmp_path)
    shop = tmp_path / "shop.py"
    assert "[Sentry(" in shop.read_text()
    # On a busy machine, an event may take longer than the plugin holds a process back for it.
    shop.write_text(shop.read_text().replace("[Sentry(", "[Sentry(flush_seconds=60, "))
    [commands] = Page(page).blocks("sh")
    assert SENT_TO in commands
    with FakeSentry() as sentry:
        told = commands.replace(SENT_TO, sentry.dsn)
        shell(f"export BUOY_NAMESPACE={attempt}\n{told}", tmp_path, buoy_server.url)

    [event] = sentry.events
    assert error_of(event)[:2] == ("LookupError", "purchase 42 has no card")
    assert event["tags"]["job_class"] == "shop.ChargePurchase"
    assert event["tags"]["attempt"] == attempt


def test_every_option_is_documented_with_its_default() -> None:
    for name, field in Sentry.__dataclass_fields__.items():
        assert f"| `{name}` | `{field.default}` |" in README.text()
