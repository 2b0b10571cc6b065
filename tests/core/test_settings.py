import re
from typing import Any

import pytest

from buoy.errors import ConfigurationError
from buoy.settings import Settings, settings


def test_without_anything_the_defaults_hold() -> None:
    assert settings({}) == Settings(
        url="redis://127.0.0.1:6379/0",
        namespace="buoy",
        lease=30.0,
        max_crashes=3,
        max_payload=1024 * 1024,
        inline=False,
    )


def test_the_environment_wins_over_the_defaults() -> None:
    environ = {
        "BUOY_URL": "unix:///run/redis.sock",
        "BUOY_NAMESPACE": "shop",
        "BUOY_LEASE": "2.5",
        "BUOY_MAX_CRASHES": "0",
        "BUOY_MAX_PAYLOAD": "100",
        "BUOY_INLINE": "1",
    }

    assert settings(environ) == Settings(
        url="unix:///run/redis.sock",
        namespace="shop",
        lease=2.5,
        max_crashes=0,
        max_payload=100,
        inline=True,
    )


def test_what_is_given_wins_over_the_environment() -> None:
    environ = {"BUOY_NAMESPACE": "shop", "BUOY_INLINE": "1", "BUOY_MAX_CRASHES": "x"}

    chosen = settings(environ, namespace="mine", inline=False, max_crashes=1, lease=None)

    assert (chosen.namespace, chosen.inline, chosen.max_crashes, chosen.lease) == (
        "mine",
        False,
        1,
        30.0,
    )


def test_an_empty_variable_is_not_given() -> None:
    assert settings({"BUOY_LEASE": "", "BUOY_INLINE": ""}) == Settings()


@pytest.mark.parametrize("text", ["0", "false", "No", "OFF"])
def test_inline_can_be_said_no_to(text: str) -> None:
    assert not settings({"BUOY_INLINE": text}).inline


@pytest.mark.parametrize(
    ("environ", "given", "message"),
    [
        ({"BUOY_LEASE": "soon"}, {}, "BUOY_LEASE: expected a number (float), got 'soon'"),
        ({"BUOY_MAX_CRASHES": "1.5"}, {}, "BUOY_MAX_CRASHES: expected a number (int), got '1.5'"),
        ({"BUOY_INLINE": "never"}, {}, "BUOY_INLINE: expected 0 or 1, got 'never'"),
        ({"BUOY_LEASE": "0"}, {}, "lease: expected more than 0 seconds, and finite, got 0.0"),
        ({"BUOY_LEASE": "nan"}, {}, "lease: expected more than 0 seconds, and finite, got nan"),
        ({"BUOY_LEASE": "inf"}, {}, "lease: expected more than 0 seconds, and finite, got inf"),
        ({}, {"max_crashes": -1}, "max_crashes: expected 0 or more, got -1"),
        ({}, {"max_payload": 0}, "max_payload: expected more than 0 bytes, got 0"),
        (
            {"BUOY_NAMESPACE": "a b"},
            {},
            "namespace: expected a name without spaces and braces, got 'a b'",
        ),
        (
            {},
            {"namespace": "{a}"},
            "namespace: expected a name without spaces and braces, got '{a}'",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(
    environ: dict[str, str], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        settings(environ, **given)
