"""The page about logging: each of its configurations in a real worker, and its sample lines."""

import json
import re
from pathlib import Path

import pytest

from buoy.embedded.server import Server

from .blocks import Page, shell

PAGE = Page("docs/logging.md")
SAMPLES = [*PAGE.blocks("text"), *PAGE.blocks("json")]

pytestmark = pytest.mark.usefixtures("buoy_app")  # it empties the server


def run(name: str, folder: Path, url: str) -> str:
    """What the commands of the page print for the module of this name."""
    PAGE.write_files(folder)
    [commands] = [block for block in PAGE.blocks("sh") if name in block]
    return shell(f"({commands}) 2>&1", folder, url)


def sample(folder: Path, url: str, *options: str) -> str:
    """What a worker logs when the job of the page fails."""
    PAGE.write_files(folder)
    enqueue = "buoy enqueue shop.ChargePurchase '[42]' -a shop >/dev/null"
    worker = f"buoy worker -a shop -q purchasing --burst {' '.join(options)} 2>&1"
    return shell(f"{enqueue}; {worker}", folder, url)


def without_names(text: str) -> str:
    """A log without what differs from run to run: times, ids, processes, folders."""
    for pattern, name in (
        (r"\d{4}-\d\d-\d\d[ T][\d:]+[,.]\d{3}Z?", "TIME"),
        (r'id=\w+|"job_id": "\w+"', "ID"),
        (r"[\w.-]+-\d+-[0-9a-f]{6}", "WORKER"),
        (r"\S+/shop\.py", "shop.py"),
        (r'"pid": \d+', "PID"),
    ):
        text = re.sub(pattern, name, text)
    return text


def test_the_sample_of_a_text_log_is_what_a_worker_logs(
    tmp_path: Path, buoy_server: Server
) -> None:
    *logged, end = sample(tmp_path, buoy_server.url).splitlines()

    assert "ends: 1 failed" in end
    assert without_names("\n".join(logged)) == without_names(SAMPLES[0].rstrip())


def test_the_sample_of_a_json_log_is_what_a_worker_logs(
    tmp_path: Path, buoy_server: Server
) -> None:
    logged = sample(tmp_path, buoy_server.url, "--log-format json", "--quiet")

    assert without_names(logged) == without_names(SAMPLES[1])


def test_a_dict_config_with_fields(tmp_path: Path, buoy_server: Server) -> None:
    said = run("shop_logging", tmp_path, buoy_server.url)

    assert re.search(
        r"^ERROR shop_logging.ChargePurchase \w+: shop_logging.ChargePurchase failed: ValueError: "
        r"no money for 42 id=",
        said,
        re.MULTILINE,
    )
    assert "in perform" in said


def test_logging_of_django_with_mails_to_admins(tmp_path: Path, buoy_server: Server) -> None:
    said = run("shop_jobs", tmp_path, buoy_server.url)

    assert "ERROR buoy.job shop_jobs.ChargePurchase failed: ValueError: no money for 42 id=" in said
    assert "\nTo: ops@example.com\n" in said
    assert said.count("in perform") >= 2  # in the log, and in the mail
    assert "not logged" not in said


def test_structlog_renders_fields_and_events_of_a_run(tmp_path: Path, buoy_server: Server) -> None:
    said = run("shop_events", tmp_path, buoy_server.url)

    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    # A slow machine has other lines, too.
    [event] = [row for row in rows if row["event"] == "charging"]
    [failed] = [row for row in rows if row.get("state") == "failed"]
    assert event["purchase_id"] == 42
    assert event["job_id"] == failed["job_id"]
    assert (event["state"], failed["level"]) == ("running", "error")
    assert "in perform" in failed["exception"]


def test_lines_of_a_job_have_its_fields(tmp_path: Path, buoy_server: Server) -> None:
    said = run("shop_receipts", tmp_path, buoy_server.url)

    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    [row] = [row for row in rows if row["logger"] == "shop"]
    assert (row["message"], row["job_class"]) == ("no printer for 42", "shop_receipts.SendReceipt")
    assert row["job_id"] in said.split("\n")[1]


@pytest.mark.parametrize("field", ["job_id", "job_class", "queue", "attempt", "worker", "state"])
def test_each_field_is_in_the_sample(field: str) -> None:
    assert f'"{field}": ' in SAMPLES[1]
    assert f"| `{field}` |" in PAGE.text()
