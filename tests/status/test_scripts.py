"""The scripts of buoy_status."""

import pytest

from buoy import App
from buoy.errors import BrokerError


def test_a_wakeup_stream_of_a_wrong_type_is_not_changed(buoy_app: App) -> None:
    key = buoy_app.key("mail", "status", "wakeup", "a1")
    buoy_app.command("SET", key, "x")

    with pytest.raises(BrokerError, match="WRONGTYPE"):
        buoy_app.script("buoy_status", "subscribe", [key], [1000])

    assert buoy_app.command("PTTL", key) == -1


def test_the_first_subscriber_makes_the_wakeup_stream_and_others_find_it(buoy_app: App) -> None:
    key = buoy_app.key("mail", "status", "wakeup", "a1")

    first = buoy_app.script("buoy_status", "subscribe", [key], [60_000])
    again = buoy_app.script("buoy_status", "subscribe", [key], [60_000])

    assert first == again
    assert buoy_app.command("XLEN", key) == 1
    assert 0 < buoy_app.command("PTTL", key) <= 60_000
