"""The tests of the project, by ``manage.py test``: most of what the package does is shown there."""

import re
from pathlib import Path

from .manage import manage


def test_the_tests_of_the_project_pass_in_parallel_processes(tmp_path: Path) -> None:
    ended = manage("test", "--parallel", "2", folder=tmp_path, url="redis://127.0.0.1:1")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    run = re.search(r"^Ran (\d+) tests", ended.stderr, re.MULTILINE)
    assert run is not None
    assert int(run[1]) > 60
