"""Storing results, and writing them into pages."""

from pathlib import Path
from xml.etree import ElementTree

from benchmarks.chart import BUOY, LEGEND, LIMIT, SAFE, UNSAFE, chart_of
from benchmarks.measures import MEASURES
from benchmarks.render import MARKED, MISSING, PAGE, fill, render, report
from benchmarks.results import Results
from benchmarks.table import summary, table_of

from .samples import drain, results

SVG = "{http://www.w3.org/2000/svg}"
PLACES = "# Page\n\n<!-- figures: {} -->\nold\n<!-- end -->\n\nThe end.\n"


def test_results_are_loaded_from_json_unchanged(tmp_path: Path) -> None:
    results().save(tmp_path / "results.json")

    back = Results.load(tmp_path / "results.json")

    assert report(back) == report(results())
    assert back.tables[0].rows == results().tables[0].rows


def test_a_page_gets_the_table_of_its_mark_and_keeps_the_rest() -> None:
    page = fill(PLACES.format("drain"), results())

    table = f"All of them.\n\n{table_of(drain())}"
    wanted = f"# Page\n\n<!-- figures: drain -->\n\n{table}\n\n<!-- end -->\n\nThe end.\n"
    assert page == wanted
    assert fill(page, results()) == page


def test_a_page_names_the_measures_without_results() -> None:
    assert MISSING in fill(PLACES.format("growth"), results())


def test_tables_of_some_measures_are_written_apart_from_the_rest(tmp_path: Path) -> None:
    page, apart = tmp_path / "performance.md", results()
    apart.about["machine"] = "a small one"
    page.write_text(PLACES.format("drain") + PLACES.format("chart"))

    render(apart, page, only=["drain"])

    drained, chart = page.read_text().split("The end.\n")[:2]
    assert "Measured apart from the others: 2026-11-20, a small one.\n\nAll of them." in drained
    assert chart == PLACES.format("chart").removesuffix("The end.\n")
    assert not (tmp_path / "performance.svg").exists()


def test_a_page_has_a_summary_and_the_origin_of_the_figures() -> None:
    assert summary(results()) in fill(PLACES.format("summary"), results())
    about = fill(PLACES.format("about"), results())
    assert "- measured: 2026-11-20\n- versions: buoy 0.1.0, rq 2.12.0\n" in about


def test_the_chart_is_written_beside_the_page(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(PLACES.format("chart"))

    render(results(), page)

    assert "(performance.svg)" in page.read_text()
    assert ElementTree.parse(tmp_path / "performance.svg").getroot().tag == f"{SVG}svg"


def test_the_page_on_performance_has_a_mark_for_each_measure() -> None:
    marks = [name for _, name, _ in MARKED.findall(PAGE.read_text())]

    wanted = ["about", "chart", "summary", *(measure.name for measure in MEASURES)]
    assert sorted(marks) == sorted(wanted)


def test_each_bar_of_the_chart_is_as_long_as_its_figure() -> None:
    chart = ElementTree.fromstring(chart_of(results()))

    _, *bars = [
        (rect.get("fill"), float(rect.get("width", 0))) for rect in chart.iter(f"{SVG}rect")
    ]
    texts = [text.text for text in chart.iter(f"{SVG}text")]
    assert [colour for colour, _ in bars[:4]] == list(LEGEND)
    in_process, forking, latency = bars[4:8], bars[8:11], bars[11:]
    assert [colour for colour, _ in in_process] == [LIMIT, BUOY, UNSAFE, SAFE]
    assert in_process[0][1] == 2 * in_process[1][1]
    assert [colour for colour, _ in forking] == [LIMIT, BUOY, UNSAFE]
    assert len(latency) == 4
    assert "Empty jobs: jobs/s, one core (more is better)" in texts
    assert "Empty jobs: jobs/s, one core (more is better), a process for each job" in texts
    assert "30,000" in texts
