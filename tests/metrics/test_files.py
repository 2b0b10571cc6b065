"""The dashboard, the alert rules and the example for KEDA: they name what a scrape has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from buoy import App, Job
from buoy.cli import main
from buoy.testing import FakeWorker, drain
from buoy_metrics import BuoyCollector
from tests.docs.blocks import Page

from .conftest import PATIENCE

WORDS = {"sum", "max", "min", "by", "on", "and", "or", "rate", "increase", "vector", "absent"}
WORDS |= {"histogram_quantile"}
TARGET = {"job", "instance"}
"""The labels that Prometheus adds by itself."""
STRING = re.compile(r'"[^"]*"')
NAME = re.compile(r"(?<![\w$.])[a-zA-Z_]\w*")
RANGE = re.compile(r"\[[^]]*\]")


class Charge(Job):
    def perform(self, number: int) -> None: ...


@pytest.fixture
def scraped(buoy_app: App) -> dict[str, set[str]]:
    """The names of the numbers of a page, and the labels of each."""
    Charge.enqueue(1)
    drain(buoy_app)
    key = buoy_app.global_key("worker", "one")
    [seconds, _] = buoy_app.command("TIME")
    buoy_app.command("HSET", key, "queues", "default", "state", "running", "slots", 1)
    buoy_app.command("ZADD", buoy_app.global_key("workers"), int(seconds) * 1000, "one")
    registry = CollectorRegistry()
    registry.register(BuoyCollector(buoy_app, timeout=PATIENCE))
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def dashboard() -> dict[str, Any]:
    output = CliRunner().invoke(main, ["metrics", "--dashboard"]).output
    return json.loads(output)  # type: ignore[no-any-return]


def alerts() -> list[dict[str, Any]]:
    output = CliRunner().invoke(main, ["metrics", "--alerts"]).output
    [group] = yaml.safe_load(output)["groups"]
    return group["rules"]  # type: ignore[no-any-return]


def keda() -> dict[str, Any]:
    [document] = [
        body for body in Page("docs/metrics.md").blocks("yaml") if "kind: ScaledObject" in body
    ]
    return yaml.safe_load(document)  # type: ignore[no-any-return]


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (rule["expr"] for rule in alerts())
    for trigger in keda()["spec"]["triggers"]:
        yield trigger["metadata"]["query"]


def names_in(expression: str) -> tuple[set[str], set[str]]:
    """The metrics and the labels that an expression names."""
    plain = RANGE.sub("", STRING.sub("", expression))
    names = set(NAME.findall(plain)) - WORDS
    metrics = {name for name in names if name.startswith("buoy_")}
    return metrics, names - metrics


def test_expressions_name_what_a_scrape_has(scraped: dict[str, set[str]]) -> None:
    found = list(expressions())
    assert len(found) > 20
    for expression in found:
        metrics, labels = names_in(expression)
        assert metrics, expression
        assert metrics <= set(scraped), expression
        known = set[str]().union(*(scraped[name] for name in metrics))
        assert labels <= known | TARGET, expression


def test_the_page_names_every_alert_and_how_long_it_waits() -> None:
    rows = re.findall(
        r"^\| `(Buoy\w+)` \|.*\| ([^|]+) \|$", Page("docs/metrics.md").text(), re.MULTILINE
    )

    assert dict(rows) == {rule["alert"]: rule.get("for", "at once") for rule in alerts()}


def test_legends_and_texts_name_labels_that_the_expression_keeps() -> None:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert wanted <= kept(target["expr"]), target
    for rule in alerts():
        texts = " ".join(rule["annotations"].values())
        assert set(re.findall(r"\$labels\.(\w+)", texts)) <= kept(rule["expr"]), rule


def kept(expression: str) -> set[str]:
    """The labels that are left of an expression: those of its first ``by``."""
    first = re.search(r"by \(([^)]*)\)", expression)
    return set(first[1].split(", ")) if first else set()


def test_all_metrics_of_jobs_and_queues_are_on_the_dashboard(scraped: dict[str, set[str]]) -> None:
    shown = set[str]().union(*(names_in(expression)[0] for expression in expressions()))
    families = {re.sub("_(bucket|count|sum|total)$", "", name) for name in scraped}

    missing = families - {re.sub("_(bucket|count|sum|total)$", "", name) for name in shown}
    assert missing == {"buoy_runs_released", "buoy_scrape_duration_seconds", "buoy_scrape_errors"}


def test_panels_have_a_place_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_variables_of_the_dashboard_name_what_a_scrape_has(
    scraped: dict[str, set[str]],
) -> None:
    queries = [
        each["query"] for each in dashboard()["templating"]["list"] if each["type"] == "query"
    ]

    asked = [re.fullmatch(r"label_values\((\w+)(?:{.*})?, (\w+)\)", query) for query in queries]

    assert len(asked) == 2
    for each in asked:
        assert each is not None
        assert each[2] in scraped[each[1]] | TARGET


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}


@pytest.fixture
def promtool() -> Any:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return partial(subprocess.run, capture_output=True, text=True, check=False)


def test_promtool_finds_the_page_in_order(promtool: Any, buoy_app: App) -> None:
    FakeWorker(buoy_app)
    Charge.enqueue(1)
    registry = CollectorRegistry()
    registry.register(BuoyCollector(buoy_app, timeout=PATIENCE))

    said = promtool(["promtool", "check", "metrics"], input=generate_latest(registry).decode())

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_promtool_finds_that_alerts_fire_when_they_should(promtool: Any, tmp_path: Path) -> None:
    output = CliRunner().invoke(main, ["metrics", "--alerts"]).output
    (tmp_path / "alert-rules.yml").write_text(output)
    cases = Path(__file__).parent / "alert_cases.yml"
    (tmp_path / "cases.yml").write_text(cases.read_text())

    said = promtool(["promtool", "test", "rules", str(tmp_path / "cases.yml")])

    assert said.returncode == 0, said.stdout + said.stderr
