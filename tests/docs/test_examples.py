"""What the documentation shows does what it says."""

import re
import sys
from pathlib import Path

import pytest

from buoy import App, Job
from buoy.embedded.server import Server

from .blocks import PAGES, ROOT, Page, shell


def test_the_first_job_of_the_readme_runs(tmp_path: Path) -> None:
    page = Page("README.md")
    page.write_files(tmp_path)
    [commands] = [block for block in page.blocks("sh") if "buoy worker" in block]

    said = shell(commands.rstrip() + " --burst", tmp_path, "redis://unused")

    assert said == "charging purchase 42\n"


def test_the_example_of_the_core_runs(tmp_path: Path, buoy_server: Server) -> None:
    page = Page("packages/core/README.md")
    page.write_files(tmp_path)
    [commands] = [block for block in page.blocks("sh") if "buoy worker" in block]

    said = shell(commands, tmp_path, buoy_server.url)

    queued, charged = said.splitlines()
    assert queued.startswith("queued ")
    assert charged == "charging 42 in EUR, attempt 1"


def test_the_example_of_the_mailer_runs(tmp_path: Path, buoy_server: Server) -> None:
    page = Page("packages/mailer/README.md")
    page.write_files(tmp_path)
    [commands] = [block for block in page.blocks("sh") if "buoy worker" in block]

    said = shell(commands, tmp_path, buoy_server.url)

    assert said.startswith("queued mail\nX-Envelope-From: shop@example.com\n")
    assert "Subject: Welcome, Ann!\n" in said


@pytest.mark.parametrize(
    ("page", "test"),
    [
        ("packages/core/README.md", "test_shop.py"),
        (
            "docs/testing.md",
            "test_[!f]*.py unittest_*.py",
        ),
        ("docs/web-frameworks.md", "test_fastapi_orders.py test_flask_orders.py"),
        ("docs/writing-a-plugin.md", "test_ration.py"),
        ("docs/jobs.md", "test_refunds.py"),
        ("docs/after-success.md", "test_orders.py"),
        ("docs/priorities.md", "test_mails.py"),
        ("docs/arguments.md", "test_reports.py"),
        ("docs/from-celery.md", "test_shop_jobs.py"),
        ("docs/from-rq.md", "test_tasks.py"),
        ("docs/from-dramatiq.md", "test_shop_jobs.py"),
        ("docs/from-sidekiq.md", "test_shop_jobs.py"),
        ("packages/retry/README.md", "test_mailers.py"),
        ("packages/mailer/README.md", "test_mails.py"),
    ],
)
def test_the_tests_in_the_documentation_pass(page: str, test: str, tmp_path: Path) -> None:
    if page == "docs/web-frameworks.md":
        pytest.importorskip("fastapi")
    Page(page).write_files(tmp_path)

    said = shell(f"python -m pytest -q -p no:cacheprovider {test}", tmp_path, "redis://unused")

    assert re.search(r"\b[1236] passed", said)


ONLY_FOR_CHECKS = (ROOT / "requirements-check.txt").read_text().split()
"""What the environment with the lowest versions does without."""


ELSEWHERE = {f"docs/{name}.md" for name in ("logging", "dashboard", "django", "web-frameworks")}
HARMLESS = [page for page in PAGES if page.path not in ELSEWHERE]
"""Pages whose blocks change nothing of the process. The others configure logging, need a project of
Django, or a client that warns; test_logging.py, test_django.py, tests/web/test_mounted.py and the
test above run their blocks."""


@pytest.mark.parametrize("page", HARMLESS, ids=lambda page: page.path)
def test_python_blocks_can_be_run_or_imported(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("BUOY_INLINE", "1")
    # It would change other libraries for the rest of the process.
    monkeypatch.setattr("sentry_sdk.init", lambda **options: None)
    monkeypatch.setattr(Job, "app", App())  # the app of another test has read its settings before
    page.write_files(tmp_path)
    for file in tmp_path.glob("*.py"):  # other modules of the tests may have such names, too
        monkeypatch.delitem(sys.modules, file.stem, raising=False)

    for number, body in enumerate(page.blocks("python")):
        module = f"block_{number}"
        code = compile(body, f"{page.path}#{number}", "exec")
        try:
            exec(code, {"__name__": module})
        except ModuleNotFoundError as error:
            if error.name not in ONLY_FOR_CHECKS:
                raise


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_links_lead_somewhere(page: Page) -> None:
    import re

    folder = Path(__file__).parents[2] / Path(page.path).parent
    for target in re.findall(r"\]\(([^)#:]+)\)", page.text()):
        assert (folder / target).exists(), target
