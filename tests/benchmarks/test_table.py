"""Formatting results as Markdown tables."""

import pytest

from benchmarks.results import Results, Row, Table
from benchmarks.table import format_figure, summary, table_of

from .samples import drain, latency, results, row

DRAIN = """\
|  | jobs/s, one core | jobs/s, split | of the limit, one core | of the limit, split | commands | \
if its worker dies |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
| bare loop | 60,000 | 20,000 | – | – | 7.00 | at least once |
| bare fork | 1,000 | – | – | – | 7.00 | at least once |
| **inline** | 30,000 (20,000–40,000) | 15,000 | 50 % | 75 % | 7.00 | at least once |
| **fork** | 500 | – | 50 % | – | 7.00 | at least once |
| huey | 8,000 | – | – | – | 7.00 | at most once |
| saq | 2,000 | – | – | – | 7.00 | at least once |
| rq | 100 | – | – | – | 7.00 | at most once, recorded |"""

LATENCY = """\
|  | p50 ms, one core | times the limit, one core |
| --- | ---: | ---: |
| pop | 0.5 | – |
| **inline** | 1.00 | 2.0× |
| quick | 2.00 | – |
| slow | 250 | – |"""

SUMMARY = """\
|  |  | buoy | beside the limit | best peer | best peer, at least once |
| --- | --- | ---: | ---: | ---: | ---: |
| Empty jobs | **inline** | 30,000 jobs/s | 50 % | huey 8,000: 3.8× | saq 2,000: 15× |
| Empty jobs | **fork** | 500 jobs/s | 50 % | rq 100: 5× | – |
| Latency | **inline** | 1.00 p50 ms | 2.0× | quick 2.00: 2× | – |"""


def test_a_table_has_limits_first_then_buoy_then_peers_the_best_of_each_first() -> None:
    assert table_of(drain()) == DRAIN


def test_where_less_is_better_the_smallest_figure_comes_first() -> None:
    assert table_of(latency()) == LATENCY


def test_the_summary_compares_buoy_with_systems_of_its_kind() -> None:
    assert summary(results()) == SUMMARY


def test_a_variation_is_not_compared_with_other_systems() -> None:
    table = drain()
    for each in table.rows:
        each.compared = each.name != "inline"

    assert summary(Results({}, [table])).splitlines()[2].endswith("| 50 % | – | – |")


def test_a_failed_case_is_shown_as_failed() -> None:
    broken = Row("huey", "peer", "one core", errors=["3 of 5 jobs"])
    table = Table("drain", "", "", [("jobs_per_s", "jobs/s")], True, rows=[broken])

    assert table_of(table).splitlines()[-1] == "| huey | failed |"
    assert list(Results({}, [table]).errors()) == ["drain: huey: 3 of 5 jobs"]


def test_the_column_ran_twice_is_shown_only_if_a_job_ran_twice() -> None:
    table = drain()
    table.rows[0].samples[0]["ran_twice"] = 1.0

    assert "ran twice" in table_of(table)


def test_rows_of_a_series_keep_their_order() -> None:
    rows = [row("few", "buoy", 10.0), row("many", "buoy", 20.0)]
    table = Table("growth", "", "", [("jobs_per_s", "jobs/s")], True, ranked=False, rows=rows)

    assert [line.split(" | ")[0] for line in table_of(table).splitlines()[2:]] == [
        "| **few**",
        "| **many**",
    ]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (0, "0"),
        (12_345.6, "12,346"),
        (99.96, "100.0"),
        (12.34, "12.3"),
        (0.1234, "0.12"),
        (-0.5, "-0.5"),
    ],
)
def test_figures_have_about_three_digits(figure: float, text: str) -> None:
    assert format_figure(figure) == text
