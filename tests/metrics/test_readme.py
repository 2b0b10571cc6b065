"""The README: its example, its table of metrics, its options."""

import re
from pathlib import Path

from click.testing import CliRunner

from buoy import App
from buoy.cli import main
from buoy.embedded.server import Server, free_port
from buoy_metrics.definitions import SERIES
from tests.docs.blocks import Page, shell

PAGE = Page("packages/metrics/README.md")


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)
    [commands] = PAGE.blocks("sh")
    port = str(free_port())

    output = shell(
        f"export BUOY_NAMESPACE=readme\n{commands.replace('9394', port)}", tmp_path, buoy_server.url
    )

    assert output.splitlines() == [
        'buoy_queue_jobs{queue="default",state="queued"} 1.0',
        "charging 42",
        "# HELP buoy_jobs_done_total Jobs that are done.",
        "# TYPE buoy_jobs_done_total counter",
        'buoy_jobs_done_total{job_class="charges.Charge",queue="default"} 1.0',
    ]


def test_every_metric_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `(buoy_\w+)` \| \w+ \| (.*?) \| (.*?) \|$", PAGE.text(), re.MULTILINE)

    documented = [(name, re.findall(r"`(\w+)`", labels), text) for name, labels, text in rows]
    assert documented == [
        (series.name, list(series.labels), series.meaning.rstrip(".")) for series in SERIES
    ]


def test_every_option_is_documented() -> None:
    text = PAGE.text()
    help = CliRunner().invoke(main, ["metrics", "--help"]).output
    shared = {"--help", "--log-format", "--quiet", "--verbose", "--url", "--namespace"}

    options = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", help, re.MULTILINE)) - shared

    assert options == set(re.findall(r"^\| `(--[\w-]+)` \|", text, re.MULTILINE))


def test_names_and_units_are_as_prometheus_wants_them() -> None:
    for series in SERIES:
        assert re.fullmatch(r"buoy_[a-z_]+", series.name)
        assert series.meaning.endswith(".")
        assert not {"le", "instance", "job"} & set(series.labels)
