"""Claims of many queues, page by page."""

from typing import Any

import pytest

from buoy import App
from buoy.plugins.operators import read_claim_page

QUEUES = [f"queue{number:03}" for number in range(120)]


def hold(app: App, queue: str, count: int) -> set[str]:
    """Let jobs of a queue hold claims; returns their names."""
    names = {f"{queue}-{number}" for number in range(count)}
    for name in names:
        key = f"buoy:{{{queue}}}:claims"
        app.command("HSET", key, f">{name}", f"id-{name}", f"<id-{name}", name)
    return names


@pytest.mark.parametrize(
    "held",
    [
        {},
        {0: 3},
        {119: 3},
        {0: 25, 119: 3},
        {0: 25, 30: 1, 49: 25, 50: 1},
        {0: 400, 1: 1, 60: 30},
        dict.fromkeys(range(120), 1),
    ],
)
def test_each_claim_is_on_one_page_and_each_page_but_one_of_none_has_some(
    buoy_app: App, held: dict[int, int]
) -> None:
    wanted = {name for at, count in held.items() for name in hold(buoy_app, QUEUES[at], count)}
    found: list[str] = []
    start = None

    while True:
        steps = read_claim_page(buoy_app.monitor, QUEUES, 25, start)
        page = buoy_app.run_steps(steps)
        assert page.held or not wanted
        found += [claim.claim for claim, _ in page.held]
        start = page.next
        if start is None:
            break

    assert len(found) == len({*found})
    assert {*found} == wanted


def test_a_claim_that_another_job_holds_by_now_is_left_out(buoy_app: App) -> None:
    hold(buoy_app, "mail", 1)
    monitor = buoy_app.monitor
    buoy_app.run_steps(read_claim_page(monitor, ["mail"], 25))  # Redis knows the scripts then
    steps: Any = read_claim_page(monitor, ["mail"], 25)
    next(steps)  # the sizes are asked for
    commands = steps.send([[2]])
    replies = buoy_app.broker.client.calls(commands)
    buoy_app.command("HSET", "buoy:{mail}:claims", ">mail-0", "another")

    asked = steps.send(replies)
    with pytest.raises(StopIteration) as ended:
        steps.send(buoy_app.broker.client.calls(asked))

    assert ended.value.value.held == []
