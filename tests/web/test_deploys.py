"""Deploys: marked by a command or a function, shown in charts, compared on the page Classes."""

import time

import pytest
from click.testing import CliRunner

from buoy import App, ConfigurationError
from buoy.cli import main
from buoy.plugins.operators import ClassCounts, CountsAt
from buoy.plugins.redis import Histogram
from buoy_web import deploys, mark_deploy

from .conftest import Site
from .jobs import Charge

HOSTILE = "<script>alert(1)</script> & 'v1'"


def deploy(*words: str) -> str:
    result = CliRunner().invoke(main, ["deploy", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_deploy_is_marked_once_in_ten_minutes(buoy_app: App) -> None:
    assert deploy("v1.4.2") == "v1.4.2: marked\n"
    assert deploy("v1.4.2") == "v1.4.2: it is marked already\n"
    assert deploy("v1.4.3") == "v1.4.3: marked\n"

    found = deploys(buoy_app)
    assert [each.label for each in found] == ["v1.4.3", "v1.4.2"]
    assert all(abs(each.at - time.time()) < 60 for each in found)


def test_a_label_counts_again_after_ten_minutes(buoy_app: App) -> None:
    key, ago = f"{buoy_app.settings.namespace}:web:deploys", round(time.time() * 1000) - 601_000
    buoy_app.command("XADD", key, ago, "label", "v1")

    assert mark_deploy(buoy_app, "v1")
    assert not mark_deploy(buoy_app, "v1")


def test_the_newest_fifty_are_kept(buoy_app: App) -> None:
    for number in range(60):
        mark_deploy(buoy_app, f"v{number}")

    assert [each.label for each in deploys(buoy_app)] == [f"v{n}" for n in range(59, 9, -1)]


@pytest.mark.parametrize("label", ["", "x" * 101, "a\x1bb", "a\nb", 7])
def test_a_wrong_label_is_refused(buoy_app: App, label: str) -> None:
    with pytest.raises(ConfigurationError, match=r"deploy: expected 1 to 100 characters that can"):
        mark_deploy(buoy_app, label)

    assert deploys(buoy_app) == []


@pytest.mark.parametrize("path", ["/", "/classes?span=hour"])
def test_charts_show_deploys(site: Site, buoy_app: App, path: str) -> None:
    assert "Deploys:" not in site.text(path)
    mark_deploy(buoy_app, HOSTILE)

    page = site.get(path).text
    assert '<line class="mark"' in page
    assert "<script>alert" not in page
    assert f"Deploys: {HOSTILE}" in site.text(path)


def counted(at: float, seconds: float, done: int) -> CountsAt:
    """Runs of Charge in a minute, each of which took about so long."""
    place = next(n for n in range(28) if seconds * 1000 < 1 << n)
    running = Histogram(tuple(done if n == place else 0 for n in range(28)), seconds * done)
    return CountsAt(at, ClassCounts("payments", Charge.name, done=done, running=running))


def test_classes_are_compared_before_and_after_a_deploy(
    site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = round(time.time() * 1000) / 1000 - 301  # for almost a minute this is 5 min ago
    key = f"{buoy_app.settings.namespace}:web:deploys"
    buoy_app.command("XADD", key, round(at * 1000), "label", "v2")
    rows = [
        counted(at - 3300, 9.0, 1000),  # too long before
        counted(at - 122, 1.0, 10),
        counted(at - 61, 1.0, 10),
        counted(at + 60, 3.0, 7),
    ]
    monkeypatch.setattr("buoy_web.pages.classes.series_of", lambda app, span: rows)

    page = site.text("/classes")
    assert "Since v2" in page
    [found] = deploys(buoy_app)
    values = site.client.get(f"/api/classes?deploy={found.at:.3f}").json()

    assert [each["done"] for each in values["classes"]] == [7]
    assert values["before"][Charge.name]["done"] == 20
    text = site.text(f"/classes?deploy={found.at:.3f}")
    assert f"{Charge.name} 7 20 0 0 0 0 0 0 – – – – – – 3.1 s 768 ms" in text
    assert "Since v2 went live 5 min" in text


DAY = 86_400


@pytest.mark.parametrize(
    ("age", "compared", "said"),
    [
        (14, True, "; in the second line as long a time before."),
        (20, False, ", as far as the last 30 days tell: too short to compare with a time before."),
        (40, False, ", as far as the last 30 days tell: too short to compare with a time before."),
    ],
)
def test_only_times_of_one_length_are_compared(
    site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch, age: int, compared: bool, said: str
) -> None:
    now = time.time()
    at = round((now - age * DAY) * 1000)
    buoy_app.command("XADD", f"{buoy_app.settings.namespace}:web:deploys", at, "label", "v2")
    rows = [counted(now - days * DAY, 1.0, 1) for days in range(29, 0, -1)]
    monkeypatch.setattr("buoy_web.pages.classes.series_of", lambda app, span: rows)
    address = f"classes?deploy={at / 1000:.3f}"

    values, text = site.client.get(f"/api/{address}").json(), site.text(f"/{address}")
    assert values["compared"] == compared
    assert bool(values["before"]) == compared
    assert f"Since v2 went live {age} d ago {said}" in text


def test_no_counts_since_a_deploy_tell_when_they_begin(site: Site, buoy_app: App) -> None:
    mark_deploy(buoy_app, "v2")
    [found] = deploys(buoy_app)

    text = site.text(f"/classes?deploy={found.at:.3f}")
    assert "Counts since v2 begin with the next whole minute." in text


def test_a_deploy_that_is_forgotten_is_said(site: Site) -> None:
    response = site.get("/classes?deploy=1.000")

    assert response.status_code == 404
    assert "This deploy is not known any more." in response.text
