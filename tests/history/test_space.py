"""The space in Redis is bounded, in number and in time."""

from datetime import timedelta

import pytest

from buoy import App, BrokerError, ConfigurationError, Job
from buoy.testing import drain
from buoy_history import History, history

KEEP = "expected at least 1 second, less than 10 ** 9"


class Many(Job):
    plugins = [History(most=150)]

    def perform(self, number: int) -> None: ...


class Brief(Job):
    plugins = [History(keep=600)]

    def perform(self, number: int) -> None: ...


class Rare(Job):
    plugins = [History(most=150)]

    def perform(self) -> None: ...


def test_of_many_the_newest_are_kept(buoy_app: App) -> None:
    Many.enqueue_many([(n,) for n in range(600)])
    drain(buoy_app)

    found = [end.args for end in history().find()]

    assert 150 <= len(found) <= 250
    assert found == [[n] for n in range(599, 599 - len(found), -1)]


def test_a_class_that_ends_often_does_not_push_out_others(buoy_app: App) -> None:
    Rare.enqueue()
    Many.enqueue_many([(n,) for n in range(400)])
    drain(buoy_app)

    assert len(list(history().find(name=Rare))) == 1


def test_all_keys_expire(buoy_app: App) -> None:
    Brief.enqueue(1)
    drain(buoy_app)

    stream = buoy_app.key("default", "history", "of", Brief.name)

    assert 0 < buoy_app.command("PTTL", stream) <= 600_000
    assert buoy_app.command("EXISTS", stream) == 1


def test_old_ones_are_forgotten_in_blocks(buoy_app: App) -> None:
    stream = buoy_app.key("default", "history", "of", Brief.name)
    for number in range(1, 251):
        buoy_app.command("XADD", stream, f"{number}-0", "id", "old")
    Brief.enqueue(1)
    drain(buoy_app)

    assert 1 <= buoy_app.command("XLEN", stream) <= 101


def test_classes_whose_streams_are_gone_are_forgotten(buoy_app: App) -> None:
    classes = buoy_app.key("default", "history", "classes")
    buoy_app.command("ZADD", classes, 5, "gone.Class")
    Brief.enqueue(1)
    drain(buoy_app)

    assert buoy_app.command("ZRANGE", classes, 0, -1) == [Brief.name.encode()]


def test_a_key_of_another_type_is_an_error_for_who_asks_and_none_for_the_job(
    buoy_app: App,
) -> None:
    buoy_app.command("SET", buoy_app.key("default", "history", "classes"), "oops")
    Brief.enqueue(1)

    assert drain(buoy_app) == {"done": 1}

    with pytest.raises(BrokerError, match="WRONGTYPE"):
        list(history().find())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0}, f"History.keep: {KEEP}, got 0"),
        ({"keep": -1}, f"History.keep: {KEEP}, got -1"),
        ({"keep": float("nan")}, f"History.keep: {KEEP}, got nan"),
        ({"keep": float("inf")}, f"History.keep: {KEEP}, got inf"),
        ({"keep": timedelta(0)}, f"History.keep: {KEEP}, got datetime.timedelta(0)"),
        ({"keep": "1d"}, "History.keep: expected seconds or a timedelta, got '1d'"),
        ({"keep": True}, "History.keep: expected seconds or a timedelta, got True"),
        ({"most": 0}, "History.most: expected 1 to 10000000, got 0"),
        ({"most": 1.5}, "History.most: expected 1 to 10000000, got 1.5"),
        ({"max_size": 0}, "History.max_size: expected 1 to 1048576, got 0"),
        ({"args": 1}, "History.args: expected True or False, got 1"),
        ({"result": "yes"}, "History.result: expected True or False, got 'yes'"),
    ],
)
def test_options_that_are_not_valid_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        History(**options)  # type: ignore[arg-type]

    assert str(raised.value) == message


def test_keep_is_seconds_or_a_timedelta() -> None:
    assert History(keep=1).seconds == 1.0
    assert History(keep=3600).seconds == History(keep=timedelta(hours=1)).seconds == 3600.0
    assert History(keep=timedelta(hours=1)) == History(keep=timedelta(minutes=60))
