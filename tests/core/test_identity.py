import time
from typing import Any

import pytest

from buoy.model.identity import identifier, new_id


class TestId:
    def test_it_is_28_hex_digits_and_its_own(self) -> None:
        ids = [new_id() for _ in range(1000)]

        assert len(set(ids)) == 1000
        assert all(len(id) == 28 and set(id) <= set("0123456789abcdef") for id in ids)

    def test_one_made_later_sorts_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        times = iter([1_000, 1_001_000, 10**18, 10**18 + 1000, 4 * 10**18])
        monkeypatch.setattr(time, "time_ns", lambda: next(times))

        ids = [new_id() for _ in range(5)]

        assert ids == sorted(ids)


class TestIdentifier:
    def test_it_is_the_same_in_every_process_and_version(self) -> None:
        assert identifier("shop.Charge", [42, "é"], {}) == "e7d38e06a32ddcc71146cd50d1ef67c7"

    def test_the_order_of_keyword_arguments_does_not_matter(self) -> None:
        assert identifier("J", [], {"a": 1, "b": [2]}) == identifier("J", [], {"b": [2], "a": 1})
        assert identifier("J", [{"a": 1, "b": 2}], {}) == identifier("J", [{"b": 2, "a": 1}], {})

    @pytest.mark.parametrize(
        ("name", "args", "kwargs"),
        [
            ("K", [1], {}),
            ("J", [2], {}),
            ("J", ["1"], {}),
            ("J", [1, None], {}),
            ("J", [[1]], {}),
            ("J", [], {"x": 1}),
            ("J", [True], {}),
        ],
    )
    def test_other_jobs_have_others(
        self, name: str, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        assert identifier(name, args, kwargs) != identifier("J", [1], {})
