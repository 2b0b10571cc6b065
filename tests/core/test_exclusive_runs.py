"""Of one job there is one run at a time, whichever thread ends the other."""

from typing import Any

import pytest

from buoy.executor.exclusive_runs import ExclusiveRuns
from buoy.model.reservation import Reservation, Settlement
from tests.support.reservations import held, runs


class TestExclusiveRuns:
    def test_each_job_begins_at_once(self) -> None:
        exclusive = ExclusiveRuns()
        a, b = held("a", "b")
        elsewhere = a._replace(queue="bulk", token="another")
        assert [exclusive.start(each) for each in (a, b, elsewhere)] == [True] * 3
        assert exclusive.finish(a) is None
        assert exclusive.start(a._replace(token="next"))

    def test_a_newer_run_waits_for_the_end_of_the_older_one(self) -> None:
        exclusive = ExclusiveRuns()
        old, new = runs("a")
        exclusive.start(old)
        assert not exclusive.start(new)
        assert exclusive.finish(new) is None
        assert exclusive.finish(Settlement.of(old, "done")) == new
        assert exclusive.finish(new) is None
        assert (exclusive.runs, exclusive.waiting) == ({}, {})

    def test_of_several_that_wait_only_the_last_one_holds_the_job(self) -> None:
        exclusive = ExclusiveRuns()
        old, new = runs("a")
        last = new._replace(token="last")
        exclusive.start(old)
        exclusive.start(new)
        exclusive.drop([new])
        assert exclusive.finish(new) is None
        exclusive.start(last)
        exclusive.drop([new])
        assert exclusive.finish(old) == last

    def test_what_waits_is_given_back(self) -> None:
        exclusive = ExclusiveRuns()
        old, new = runs("a")
        exclusive.start(old)
        exclusive.start(new)
        assert exclusive.release_waiting() == [Settlement.of(new, "released")]
        assert exclusive.finish(old) is None

    @pytest.mark.parametrize("step", range(4))
    def test_the_old_run_may_end_at_any_moment(self, step: int) -> None:
        """In another thread: whatever is in between, the newer run begins once."""
        exclusive = ExclusiveRuns()
        old, new = runs("a")
        exclusive.start(old)
        handed: list[Reservation | None] = []
        exclusive.runs = Ending(exclusive.runs, step, lambda: handed.append(exclusive.finish(old)))
        begun = exclusive.start(new)
        if not handed:
            handed.append(exclusive.finish(old))
        assert begun + handed.count(new) == 1
        assert exclusive.runs == {("mail", "a"): new.token}


class Ending(dict[tuple[str, str], str]):
    """A dict that calls something before it is used for the nth time."""

    def __init__(self, items: dict[tuple[str, str], str], step: int, call: Any) -> None:
        super().__init__(items)
        self.step, self.call = step, call

    def count(self) -> None:
        self.step -= 1
        if self.step == -1:
            self.call()

    def setdefault(self, key: tuple[str, str], default: str = "") -> str:
        self.count()
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self.count()
        return super().__contains__(key)
