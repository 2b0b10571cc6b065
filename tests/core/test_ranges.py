"""Every number and text that users can write has a range, and readers survive worse."""

import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any

import pytest

from buoy import App, ConfigurationError, CorruptPayload, InvalidArguments, Job, Later, PluginError
from buoy.jobs.run import run
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation
from buoy.model.transition import Transition
from buoy.settings import Settings
from buoy.testing import drain

HUGE = 10**400
LONGER = 10**5000  # more digits than Python writes
RAN: list[Any] = []


class Loose:
    """A number of its own kind, as that of numpy is."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


class Broken:
    def __float__(self) -> float:
        raise RuntimeError("no number today")

    def __repr__(self) -> str:
        raise RuntimeError("nothing to show")


class Names(str, Enum):  # noqa: UP042 - its str() is another
    MAIL = "mail"


class Numbers(IntEnum):
    FIVE = 5


class NoZone(tzinfo):
    def utcoffset(self, when: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


class Charge(Job):
    name, queue = "ranges.charge", "mail"

    def perform(self) -> None:
        RAN.append(self.queue)


NO_NUMBERS = [math.nan, math.inf, -math.inf, HUGE, LONGER, -1, True, "5", "", [5], Broken()]
FINE: list[Any] = [
    5,
    5.0,
    Decimal("5.0"),
    Fraction(10, 2),
    Loose(5.0),
    Numbers.FIVE,
    timedelta(seconds=5),
]
TEXTS = ["", "a\nb", "a\rb", "a\0b", "\x1b[31m", "a\x7f", "\x85", "\u2028", "\ud800", 7, b"a", None]


def refused(message: str) -> Any:
    return pytest.raises(ConfigurationError, match=message)


class TestClass:
    @pytest.mark.parametrize("limit", ["timeout", "expires", "max_memory", "max_length"])
    def test_a_limit_has_a_range(self, limit: str) -> None:
        for wrong in (*NO_NUMBERS, 0, Decimal(5), Loose(5.0), Numbers.FIVE, timedelta.max, 2**63):
            with refused(rf"^Wrong\.{limit}: expected "):
                type("Wrong", (Job,), {"name": "Wrong", limit: wrong})
        for right in (1, 10**8):
            type("Right", (Job,), {"name": "Right", limit: right})

    def test_an_error_names_the_range_of_a_limit(self) -> None:
        with refused(r"^Wrong\.timeout: expected less than 1000000000, got 1e\+300$"):
            type("Wrong", (Job,), {"name": "Wrong", "timeout": 1e300})
        with refused(
            r"^Wrong\.max_length: expected less than 9007199254740992, got a value of typ"
        ):
            type("Wrong", (Job,), {"name": "Wrong", "max_length": LONGER})

    @pytest.mark.parametrize("text", TEXTS, ids=ascii)
    def test_a_name_and_a_queue_are_lines(self, text: Any) -> None:
        with refused(r"Wrong\.name: expected a non-empty text of one line, got "):
            type("Wrong", (Job,), {"name": text})
        with refused(r"^queue: expected a name without spaces"):
            type("Wrong", (Job,), {"queue": text})

    def test_an_enum_of_texts_is_its_value(self, buoy_app: App) -> None:
        class Named(Charge):
            name, queue = "ranges.named", Names.MAIL

        RAN.clear()
        Named.enqueue()
        Named.using(queue=Names.MAIL, id=Names.MAIL).enqueue()
        buoy_app.push("ranges.named", queue=Names.MAIL)

        assert buoy_app.monitor.queue_names() == ["mail"]
        assert buoy_app.find("mail", "mail") is not None
        assert drain(buoy_app) == {"done": 3}
        assert RAN == ["mail"] * 3


class TestUsing:
    def test_a_delay_has_a_range(self) -> None:
        for wrong in (*NO_NUMBERS, 10**10, timedelta.max, timedelta.min):
            with refused(
                r"^using\(delay\): expected 0 or more seconds, less than 10 \*\* 10, got "
            ):
                Charge.using(delay=wrong)  # type: ignore[arg-type]

    def test_any_kind_of_number_is_one(self, buoy_app: App) -> None:
        for right in FINE:
            assert Charge.using(delay=right).enqueue().state == "delayed"
        for right in FINE[:-1]:
            assert Charge.using(at=right).enqueue().state == "queued"

    def test_a_time_has_a_range(self, buoy_app: App) -> None:
        for wrong in (*NO_NUMBERS, 10**10, datetime.max.replace(tzinfo=UTC)):
            when: Any = wrong
            with refused(
                r"^using\(at\): expected a datetime with its zone, or epoch seconds before "
            ):
                Charge.using(at=when)
            with refused(
                r"^reschedule\(at\): expected a datetime with its zone, or epoch seconds before "
            ):
                buoy_app.reschedule("a", at=when)

    @pytest.mark.parametrize("hours", [-14, 0, 14])
    def test_what_is_long_past_is_now(self, buoy_app: App, hours: int) -> None:
        zone = timezone(timedelta(hours=hours))

        assert Charge.using(at=datetime.min.replace(tzinfo=zone)).enqueue().state == "queued"

    def test_a_zone_must_know_its_offset(self) -> None:
        with pytest.raises(InvalidArguments, match=r"^using: expected at with a time zone, got "):
            Charge.using(at=datetime(2030, 1, 1, tzinfo=NoZone()))

    @pytest.mark.parametrize("text", [each for each in TEXTS if each is not None], ids=ascii)
    def test_an_id_is_a_line(self, buoy_app: App, text: Any) -> None:
        with refused(r"^using\(id\): expected a non-empty text of one line, got "):
            Charge.using(id=text)
        with refused(r"^push\(id\): expected a non-empty text of one line, got "):
            buoy_app.push("x", queue="mail", id=text)
        with refused(r"^push\(name\): expected a non-empty text of one line, got "):
            buoy_app.push(text, queue="mail")

    NEWER: list[Any] = [
        ("f", math.nan),
        ("f", HUGE),
        ("f", 2**53),
        ("f", True),
        ("f", 1.5),
        ("", 1),
    ]
    NEWER += [("\ud800", 1), (7, 1), ("f",), "f", 5, ("f", "1")]

    def test_newer_is_a_name_and_a_number(self, buoy_app: App) -> None:
        told = r"\(newer\): expected a name and a whole number, less than 2 \*\* 53, got "
        for newer in self.NEWER:
            with refused("^using" + told):
                Charge.using(newer=newer)
            with refused("^push" + told):
                buoy_app.push("x", queue="mail", newer=newer)

    @pytest.mark.parametrize("args", ["abc", b"x", {"a": 1}, 5, None])
    def test_arguments_are_a_list(self, buoy_app: App, args: Any) -> None:
        with refused(r"^push\(args\): expected a list, got "):
            buoy_app.push("x", args, queue="mail")
        with refused(r"^push\(kwargs\): expected a dict, got "):
            buoy_app.push("x", [], [("a", 1)], queue="mail")  # type: ignore[arg-type]


class TestLater:
    def test_seconds_have_a_range(self) -> None:
        for wrong in (*NO_NUMBERS, 1e300, 10**10):
            with refused(r"^Later\.seconds: expected "):
                Later(wrong)  # type: ignore[arg-type]

    def test_any_kind_of_number_is_one(self) -> None:
        for right in FINE[:-1]:
            assert Later(right) == Later(5.0)
            assert type(Later(right).seconds) is float

    @pytest.mark.parametrize("wrong", [7, None, "no"])
    def test_count_of_later_is_a_bool(self, wrong: Any) -> None:
        with refused(r"^Later\.count: expected True or False, got "):
            Later(5, count=wrong)


class TestTransition:
    @pytest.mark.parametrize("number", [HUGE, -(2**53), 1.5, "1", math.nan])
    def test_a_number_is_one_that_lua_can_tell_from_others(self, number: Any) -> None:
        with pytest.raises(PluginError, match=r"^newer: expected a name and a whole number, less"):
            Transition("mail").newer("field", number)

    def test_an_int_can_be_written(self) -> None:
        Transition("mail").then("SET", "buoy:{mail}:x", HUGE)
        with pytest.raises(
            PluginError, match=r"^then: SET: expected an int of at most 4000 digits"
        ):
            Transition("mail").then("SET", "buoy:{mail}:x", LONGER)


class TestSettings:
    @pytest.mark.parametrize(
        ("setting", "wrongs"),
        [
            ("lease", [*NO_NUMBERS, 0, 1e-9, 1e7, Decimal(5), None]),
            ("max_crashes", [*NO_NUMBERS, 10**9, 2.5, None]),
            ("max_payload", [*NO_NUMBERS, 0, 2**30, 2.5, None]),
            ("inline", ["no", 0, 1, None]),
            ("namespace", [*TEXTS, "a b", "{a}"]),
            ("url", [5, None, "\ud800", b"redis://"]),
        ],
        ids=lambda each: each if isinstance(each, str) else "",
    )
    def test_each_setting_has_a_range(self, setting: str, wrongs: list[Any]) -> None:
        for wrong in wrongs:
            with refused(f"^{setting}: expected "):
                Settings(**{setting: wrong})

    def test_a_lease_can_be_kept(self) -> None:
        with refused(r"^lease: expected at least 0\.01 seconds, got 1e-09$"):
            Settings(lease=1e-9)
        with refused(r"^max_payload: expected at most 536870912 bytes, got "):
            Settings(max_payload=HUGE)


CORRUPT: dict[str, list[str]] = {
    "attempt": ["0", "-1", "true", "1.5", "NaN", "1e3", "1" + "0" * 30, "null", '"1"', "[1]"],
    "enqueued_at": ["-1", "true", "NaN", "Infinity", "1e999", "1e300", "1" + "0" * 400, "null"],
    "expires_at": ["-1", "false", "NaN", "-Infinity", "1e300", "1" + "0" * 4000, '"x"'],
    "plugins": ["[]", "null", "1"],
    "kwargs": ["[]", "null", "1"],
    "args": ["{}", "null", '"x"'],
    "identifier": ["5", "[]"],
    "failure": ["5", '"x"', "[]"],
    "id": ["5", '""', "null", '"\\ud800"'],
    "class": ["5", '""', "null"],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, all in CORRUPT.items() for v in all])
class TestPayload:
    def text(self, field: str, value: str) -> str:
        fields = {"class": '"ranges.charge"', "args": "[]", "id": '"a1"', field: value}
        return "{" + ",".join(f'"{name}":{each}' for name, each in fields.items()) + "}"

    def test_what_cannot_be_worked_with_is_refused(self, field: str, value: str) -> None:
        with pytest.raises(CorruptPayload, match=r"^payload: expected ") as raised:
            Payload.decoded(self.text(field, value))
        assert len(str(raised.value)) < 300

    def test_a_payload_out_of_range_is_kept_in_the_failed_set(self, field: str, value: str) -> None:
        text = self.text(field, value)

        settlement = run(Reservation("a1", "1:w:1", "mail", text))

        shelf = json.loads(settlement.payload)
        assert (settlement.outcome, shelf["raw"]) == ("failed", text)
        assert shelf["failure"]["error"] == "buoy.errors.CorruptPayload"


def test_a_value_out_of_range_is_named() -> None:
    told = re.escape("payload: expected 'attempt' to be 1 or more, less than 10 ** 9, got -1")
    with pytest.raises(CorruptPayload, match=f"^{told}$"):
        Payload.decoded('{"class":"x","id":"a","attempt":-1}')


def test_a_job_that_expires_at_the_end_of_the_range_is_run(buoy_app: App) -> None:
    class Patient(Charge):
        name, expires = "ranges.patient", 10**10 - 1

    Patient.enqueue()
    Patient.using(at=5).enqueue()

    assert drain(buoy_app) == {"done": 2}
