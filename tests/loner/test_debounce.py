"""Debouncing: many comments at once need one computation, and none is missed."""

import pytest

from buoy import App, Job
from buoy.testing import Clock, drain
from buoy_loner import Loner, holder

from .shop import finish, take

comments: list[str] = []
results: list[int] = []


class CountWords(Job):
    """Computes what the dashboard shows."""

    plugins = [Loner(until="started")]

    def perform(self) -> None:
        results.append(sum(len(comment.split()) for comment in comments))


def add_comment(text: str) -> str:
    """What the web application does with each new comment."""
    comments.append(text)
    return CountWords.using(delay=500).enqueue().state


@pytest.fixture(autouse=True)
def yesterday() -> None:
    comments.clear()
    results.clear()


def test_many_comments_at_once_need_one_computation(buoy_app: App, buoy_clock: Clock) -> None:
    states = [add_comment("well said") for _ in range(100)]

    assert states == ["delayed"] + ["exists"] * 99
    assert not drain(buoy_app)
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}
    assert results == [200]


def test_a_comment_that_comes_during_the_computation_is_not_missed(
    buoy_app: App, buoy_clock: Clock
) -> None:
    add_comment("the first")
    buoy_clock.advance(600)
    running = take(buoy_app, "default")

    # Whether this one still looks at it or not, the next one will.
    assert add_comment("a late one") == "delayed"
    assert add_comment("and a later one") == "exists"
    finish(buoy_app, running)

    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}
    assert results[-1] == 9


def test_a_stream_of_comments_does_not_put_the_computation_off(
    buoy_app: App, buoy_clock: Clock
) -> None:
    for _ in range(7):
        add_comment("one word more")
        buoy_clock.advance(100)
        drain(buoy_app)

    assert len(results) == 1
    assert holder(CountWords) is not None
