"""The options of ``buoy web``."""

import os

import click
import pytest
from click.testing import CliRunner

from buoy import ConfigurationError
from buoy_web.cli import choose_apps, web


def chosen(*urls: str) -> dict[str, tuple[str, str]]:
    """Returns the apps that the option names: URL and namespace by name."""
    with click.Context(web) as context:
        apps = choose_apps(context, web.params[1], urls)
    return {name: (app.settings.url, app.settings.namespace) for name, app in apps.items()}


def test_one_url_is_that_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUOY_URL", "redis://before")
    assert chosen("redis://:pass#word@one/0?x=y") == {}
    assert os.environ["BUOY_URL"] == "redis://:pass#word@one/0?x=y"


def test_several_urls_have_names_and_may_have_namespaces() -> None:
    assert chosen("shop=redis://a/0", "billing=redis://b/1#bills") == {
        "shop": ("redis://a/0", "buoy"),
        "billing": ("redis://b/1", "bills"),
    }


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        (
            ["redis://u:pw@a/0", "shop=redis://b"],
            "--url: expected NAME=URL for each of several, got redis://u:***@a/0",
        ),
        (
            ["shop=redis://a", "shop=redis://u:pw@b"],
            "--url: expected NAME=URL, each name once, got shop=redis://u:***@b",
        ),
        (["shop=redis://a# x"], "namespace: expected a name without spaces and braces, got ' x'"),
    ],
)
def test_urls_that_cannot_be_told_apart_are_refused(urls: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        chosen(*urls)
    assert str(caught.value) == message


def test_a_name_that_cannot_be_in_an_address_is_refused() -> None:
    result = CliRunner().invoke(web, ["--url", "a b=redis://a", "--port", "0"])

    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).startswith("dashboard: name of an app: expected letters, digits")
