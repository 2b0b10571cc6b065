import subprocess
import sys
import time
from typing import Any

import pytest

from buoy.model.identity import identifier, new_id


class TestId:
    def test_an_id_is_28_hex_digits_and_unique(self) -> None:
        ids = [new_id() for _ in range(1000)]

        assert len(set(ids)) == 1000
        assert all(len(id) == 28 and set(id) <= set("0123456789abcdef") for id in ids)

    def test_an_id_made_later_sorts_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        times = iter([1_000, 1_001_000, 10**18, 10**18 + 1000, 4 * 10**18])
        monkeypatch.setattr(time, "time_ns", lambda: next(times))

        ids = [new_id() for _ in range(5)]

        assert ids == sorted(ids)


# Identifiers are kept in Redis: a line here must never be changed.
GOLDEN = [
    ("shop.Charge", [42, "é"], {}, "e7d38e06a32ddcc71146cd50d1ef67c7"),
    ("shop.Charge", [], {}, "c41133f5043dab46b21368b4762e62b0"),
    ("shop.Charge", [1.5, 1e22, -0.0, 10**30, None, True], {}, "1b7e3e1b5a9bd4e32ea49173b390b7cc"),
    (
        "shop.Charge",
        ["\x00", "\u2028", "😀"],
        {"b": {"d": 1, "c": []}, "a": ""},
        "9eb9fd80289a2bf2593efe8462b38b69",
    ),
]


class TestIdentifier:
    @pytest.mark.parametrize(("name", "args", "kwargs", "known"), GOLDEN)
    def test_an_identifier_is_equal_in_every_process_and_version(
        self, name: str, args: list[Any], kwargs: dict[str, Any], known: str
    ) -> None:
        assert identifier(name, args, kwargs) == known

    def test_it_is_the_same_where_only_hashlib_has_blake2(self) -> None:
        code = (
            "import hashlib, sys; sys.modules['_blake2'] = None\n"
            "from buoy.model.identity import blake2b, identifier\n"
            "print(blake2b is hashlib.blake2b, identifier('shop.Charge', [42, 'é'], {}))"
        )
        ran = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True
        )

        assert ran.stdout.split() == ["True", GOLDEN[0][3]]

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
    def test_different_jobs_have_different_identifiers(
        self, name: str, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        assert identifier(name, args, kwargs) != identifier("J", [1], {})
