"""What is logged can neither act on a terminal nor pass for another event."""

import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy.process.log_format import FORMAT, OneLine, OneObject
from buoy.text.printable import indented, one_line, print_uncaught

ODD = {
    "escape": "a\x1b[31mb",
    "line": "a\n2026-01-01 00:00:00,000 INFO buoy.job done",
    "return": "a\rb",
    "zero": "a\0b",
    "c1": "a\x9b31mb",
    "bidi": "a\u202eb",
    "no width": "a\u200bb",
    "separator": "a\u2028b",
    "half": "a\ud800b",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_cannot_be_printed_is_spelled(text: str) -> None:
    shown = one_line(text)

    assert shown.isprintable()
    assert shown[0] == text[0]
    assert "\\" in shown


def test_what_can_be_printed_is_left_as_it_is() -> None:
    assert one_line("Zoë bought 日本語 for 5 € \\o/") == "Zoë bought 日本語 for 5 € \\o/"
    assert one_line("\x1b\n\u202e") == "\\x1b\\n\\u202e"


@given(st.text())
def test_of_many_lines_only_the_first_is_not_indented(text: str) -> None:
    first, *others = indented(text).split("\n")

    assert all(line.isprintable() for line in (first, *others))
    assert all(line.startswith("  ") for line in others)


def record(message: str, *args: Any, error: BaseException | None = None) -> logging.LogRecord:
    told = (type(error), error, None) if error else None
    return logging.LogRecord("shop", logging.ERROR, "shop.py", 1, message, args, told)


def written(event: logging.LogRecord) -> list[str]:
    return OneLine(FORMAT).format(event).split("\n")


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
class TestText:
    def test_a_message_stays_on_its_line(self, text: str) -> None:
        [line] = written(record("got %s", text))
        assert line.isprintable()

    def test_a_message_whose_arguments_do_not_fit_stays_on_its_line(self, text: str) -> None:
        [line] = written(record("got %d", text))
        assert line.isprintable()
        assert line.endswith("(cannot be formatted: TypeError)")

    def test_the_lines_of_a_traceback_are_indented(self, text: str) -> None:
        event = record("failed", error=ValueError(text))
        first, *others = written(event)
        assert first.endswith("ERROR shop failed")
        assert all(line.startswith("  ") and line.isprintable() for line in others)

    def test_a_traceback_that_another_handler_formatted_first_is_indented(self, text: str) -> None:
        event = record("failed", error=ValueError(text))
        logging.Formatter().format(event)
        event.stack_info = f"Stack: {text}"
        assert all(line.startswith("  ") and line.isprintable() for line in written(event)[1:])

    def test_a_json_record_is_one_object_on_one_line(self, text: str) -> None:
        line = OneObject().format(record("got %s", text, error=ValueError(text)))
        assert line.isprintable()
        assert json.loads(line)["message"] == f"got {text}"


def test_a_message_that_raises_is_told_all_the_same() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError

        __repr__: Callable[..., str] = __str__

    [line] = written(record("got %s", Odd()))

    assert line.endswith("'got %s' (cannot be formatted: RuntimeError)")


def test_a_message_that_cannot_even_be_named_is_told_all_the_same() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError

        __repr__: Callable[..., str] = __str__

    event = record("x")
    event.msg = Odd()

    [line] = written(event)

    assert line.endswith("(a message that cannot be formatted: RuntimeError)")


def test_fields_that_are_given_as_extra_are_fields_of_a_json_line() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    circle: list[Any] = []
    circle.append(circle)
    event = record("done")
    vars(event).update(job_id="a1", attempt=2, tags=["vip"], amount=1.5, level="theirs")
    vars(event).update(odd=Odd(), circle=circle, nan=float("nan"), when={1, 2}, empty="", none=None)

    line = OneObject().format(event)

    assert line.isprintable()
    row = json.loads(line)
    told = {"job_id": "a1", "attempt": 2, "tags": ["vip"], "amount": 1.5, "level": "ERROR"}
    assert told.items() <= row.items()
    assert row["odd"] == "(cannot be shown: RuntimeError)"
    assert (row["circle"], row["nan"], row["when"]) == ("[[...]]", "nan", "{1, 2}")
    assert not {"empty", "none", "args", "msg", "exc_info"} & row.keys()


def test_a_traceback_that_the_record_has_as_text_is_shown() -> None:
    event = record("failed", error=ValueError("theirs"))
    event.exc_text = "Traceback of\n  ours"

    assert written(event)[1:] == ["  Traceback of", "    ours"]
    assert json.loads(OneObject().format(event))["traceback"] == "Traceback of\n  ours"


def test_an_error_that_cannot_be_formatted_is_told_all_the_same() -> None:
    class Mute(Exception):
        __cause__ = property(lambda self: 1 / 0)

        def __str__(self) -> str:
            raise SystemExit

    lines = written(record("failed", error=Mute()))

    assert lines[-1].endswith("Mute: (cannot be shown: SystemExit)")


def test_a_process_title_is_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    from buoy.process import titles

    shown: list[str] = []
    library = SimpleNamespace(setproctitle=shown.append, setthreadtitle=shown.append)
    monkeypatch.setattr(titles, "setproctitle", library)
    for text in ODD.values():
        titles.set_title(f"worker: waits for {text}")

    assert len(shown) == 2 * len(ODD)
    assert all(title.isprintable() for title in shown)


def test_an_error_that_nobody_caught_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ODD.values():
        error = ValueError(text)
        print_uncaught(ValueError, error, None)

    lines = capsys.readouterr().err.split("\n")
    assert all(line.isprintable() for line in lines)
    assert [line[:2] for line in lines if not line.startswith("  ")] == ["Va"] * len(ODD) + [""]
