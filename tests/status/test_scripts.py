"""The scripts of Status where something else has written."""

import pytest

from buoy import App
from buoy.errors import BrokerError


def test_a_ring_of_a_wrong_type_is_let_be(buoy_app: App) -> None:
    key = buoy_app.key("mail", "status", "ring")
    buoy_app.command("SET", key, "x")

    with pytest.raises(BrokerError, match="WRONGTYPE"):
        buoy_app.script("buoy_status", "listen", [key], [1000])

    assert buoy_app.command("PTTL", key) == -1


def test_who_waits_first_makes_the_ring_and_others_find_it(buoy_app: App) -> None:
    key = buoy_app.key("mail", "status", "ring")

    first = buoy_app.script("buoy_status", "listen", [key], [60_000])
    again = buoy_app.script("buoy_status", "listen", [key], [60_000])

    assert first == again
    assert buoy_app.command("XLEN", key) == 1
    assert 0 < buoy_app.command("PTTL", key) <= 60_000
