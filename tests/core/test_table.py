"""Tables: on terminals of any width, and in pipes."""

import json
import re
import time
from typing import Any

import click
import pytest
from click.testing import CliRunner

from buoy.cli.output import Size
from buoy.plugins.commands import (
    Duration,
    format_time,
    json_option,
    print_first_rows,
    print_rows,
)
from tests.support.screen import Show, plain, show

__all__ = ["show"]

COLUMNS = ("id", "class", "queue", "args", "error", "message", "attempt", "failed_at")


def failure(number: int, **others: Any) -> dict[str, Any]:
    return {
        "id": f"06616caebbc674031831bc3c20{number:02}",
        "class": "shop.jobs.ChargeTheCardOfACustomer",
        "queue": "payments",
        "args": [number, {"currency": "EUR"}],
        "error": "shop.errors.CardRefused",
        "message": "the bank says no",
        "attempt": 1,
        "failed_at": format_time(time.time() - 200),
    } | others


def listing(*rows: dict[str, Any], columns: tuple[str, ...] = COLUMNS) -> click.Command:
    @click.command()
    @json_option
    def command(as_json: bool) -> None:
        print_rows(rows, columns, as_json=as_json, empty="nothing")

    return command


def failures() -> click.Command:
    asked = "the card of the customer was refused: call us and ask for help"
    return listing(failure(1), failure(2, message=asked))


def test_a_wide_terminal_shows_all(show: Show) -> None:
    assert plain(show(failures(), columns=220)) == (
        "id                            class                               queue     args                      error                    message                                                         attempt  failed_at\n"  # noqa: E501
        '06616caebbc674031831bc3c2001  shop.jobs.ChargeTheCardOfACustomer  payments  [1, {"currency": "EUR"}]  shop.errors.CardRefused  the bank says no                                                1        3 min ago (12:34:56)\n'  # noqa: E501
        '06616caebbc674031831bc3c2002  shop.jobs.ChargeTheCardOfACustomer  payments  [2, {"currency": "EUR"}]  shop.errors.CardRefused  the card of the customer was refused: call us and ask for help  1        3 min ago (12:34:56)\n'  # noqa: E501
    )


def test_at_200_columns_the_longest_texts_are_cut(show: Show) -> None:
    assert plain(show(failures(), columns=200)).splitlines()[2] == (
        "06616caebbc674031831bc3c2002  shop.jobs.ChargeTheCardOfACustomer  payments  "
        '[2, {"currency": "EUR"}]  shop.errors.CardRefused  '
        "the card of the customer was refused: cal…  1        3 min ago (12:34:56)"
    )


def test_at_80_columns_a_row_takes_two_lines_and_ids_stay_whole(show: Show) -> None:
    assert (
        plain(show(failures(), columns=80))
        == """\
id                            class         queue     args          error
    message                                        attempt  failed_at
06616caebbc674031831bc3c2001  shop.j…tomer  payments  [1, {"curre…  shop.e…fused
    the bank says no                               1        3 min ago (12:34:56)
06616caebbc674031831bc3c2002  shop.j…tomer  payments  [2, {"curre…  shop.e…fused
    the card of the customer was refused: call u…  1        3 min ago (12:34:56)
"""
    )


def test_at_60_columns_a_row_takes_three_lines(show: Show) -> None:
    assert (
        plain(show(failures(), columns=60))
        == """\
id                            class                 queue
    args          error             message
    attempt  failed_at
06616caebbc674031831bc3c2001  shop.jobs.…ACustomer  payments
    [1, {"curre…  shop.err…Refused  the bank says no
    1        3 min ago (12:34:56)
06616caebbc674031831bc3c2002  shop.jobs.…ACustomer  payments
    [2, {"curre…  shop.err…Refused  the card of the custome…
    1        3 min ago (12:34:56)
"""
    )


def test_a_space_less_between_columns_may_save_a_line(show: Show) -> None:
    counts = {"name": "payments", "queued": 1, "delayed": 0, "running": 0, "failed": 3}
    rows = listing(counts, columns=tuple(counts))

    assert plain(show(rows, columns=42)) == (
        "name      queued  delayed  running  failed\npayments  1       0        0        3\n"
    )
    assert plain(show(rows, columns=41)) == (
        "name     queued delayed running failed\npayments 1      0       0       3\n"
    )


def test_wide_characters_take_two_columns_and_accents_none(show: Show) -> None:
    rows = listing(
        {"message": "日本語のカードは拒否されました", "attempt": 1},
        {"message": "Cafe\u0301", "attempt": 2},
        columns=("message", "attempt"),
    )

    assert (
        plain(show(rows, columns=34))
        == """\
message                    attempt
日本語のカードは拒否され…  1
Cafe\u0301                       2
"""
    )


def test_hostile_text_is_escaped_and_cannot_bring_colours(show: Show) -> None:
    rows = listing(
        {"id": "\x1b[31mred", "error": "\x1b]0;title\x07 \u202egnirts\n\ttwo", "state": "\ud800"},
        columns=("id", "error", "state"),
    )

    for columns in (0, 60):
        assert plain(show(rows, columns=columns)) == (
            "id           error                              state\n"
            r"\x1b[31mred  \x1b]0;title\x07 \u202egnirts two  \ud800"
            "\n"
        )


def test_a_terminal_shows_states_in_colours(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = listing(
        {"id": "1", "state": "failed"}, {"id": "2", "state": "odd"}, columns=("id", "state")
    )

    assert show(rows) == (
        "\x1b[1mid\x1b[0m  \x1b[1mstate\x1b[0m\n1   \x1b[31mfailed\x1b[0m\n2   odd\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Duration(0), "0 s"),
        (Duration(0.0342), "34 ms"),
        (Duration(2.56), "2.5 s"),
        (Duration(59.9), "59 s"),
        (Duration(200.5), "3 m 20 s"),
        (Duration(7200), "2 h"),
        (Duration(93_600), "1 d 2 h"),
        (Duration(-90), "-1 m 30 s"),
        (Duration(1e300), "1.16e+295 d"),
        (Duration("nan"), "-"),
        (Size(312), "312 B"),
        (Size(1536), "1.5 KiB"),
        (Size(26_116_096), "25 MiB"),
        (Size(10**300), "8.88e+284 PiB"),
        (format_time(1e300), "9999-12-31T23:59:59.999+00:00"),
        (format_time(-1e300), "0001-01-01T00:00:00.000+00:00"),
        (None, "-"),
    ],
)
def test_values_have_their_units(show: Show, value: Any, text: str) -> None:
    assert show(listing({"value": value}, columns=("value",))).splitlines()[1] == text


def test_times_have_their_distance_and_the_local_time(show: Show) -> None:
    now = time.time()
    shown = {
        "soon": now + 7300,
        "last": now - 3 * 86_400,
        "then": now - 400 * 86_400,
        "once": 0,
    }
    rows = listing({name: format_time(at) for name, at in shown.items()}, columns=tuple(shown))

    [line] = plain(show(rows, columns=120)).splitlines()[1:]

    assert re.fullmatch(
        r"in 2 h \(12:34:56\)  3 d ago \(\w{3} \d\d \d\d:\d\d\)  400 d ago \(\d{4}-\d\d-\d\d\)  "
        r"\d+ d ago \(19(70-01-01|69-12-31)\)",
        line,
    )


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (None, "there are more than these 2: --count 0 shows all\n"),
        (120, "2 of 120: --count 0 shows all\n"),
        (2, ""),
    ],
)
def test_a_list_says_how_many_there_are(total: int | None, said: str) -> None:
    @click.command()
    def command() -> None:
        rows = ({"id": str(n)} for n in range(3))
        print_first_rows(rows, ("id",), 2, as_json=False, empty="", total=total)

    result = CliRunner().invoke(command)

    assert (result.stdout, result.stderr) == ("id\n0\n1\n", said)


@pytest.mark.parametrize("columns", [20, 33, 47, 60, 80, 119, 200])
def test_no_line_is_wider_than_the_terminal(show: Show, columns: int) -> None:
    for line in plain(show(failures(), columns=columns)).splitlines():
        assert len(line) <= columns


def test_in_a_pipe_cells_are_whole_and_times_are_those_of_the_calendar(show: Show) -> None:
    long = listing(failure(1, message="x" * 500, failed_at=format_time(1_800_000_000)))

    assert show(long, columns=0) == (
        "id                            class                               queue     args                      error                    message                                                       attempt  failed_at\n"  # noqa: E501
        f'06616caebbc674031831bc3c2001  shop.jobs.ChargeTheCardOfACustomer  payments  [1, {{"currency": "EUR"}}]  shop.errors.CardRefused  {"x" * 500}  1        2027-01-15T08:00:00.000+00:00\n'  # noqa: E501
    )


def test_json_has_plain_values(show: Show) -> None:
    rows = listing({"at": format_time(0), "for": Duration(200.5), "memory": Size(2**21)})

    assert json.loads(show(rows, "--json", columns=60)) == [
        {"at": "1970-01-01T00:00:00.000+00:00", "for": 200.5, "memory": 2097152}
    ]
