"""``buoy doctor``."""

from dataclasses import asdict

import click

from ..jobs.job import Job
from ..operations.doctor import examine
from .output import exit_unless, json_option, print_line, print_rows


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check Redis, queues and workers for present and coming problems.

    Ends with exit code 1 if something is wrong.
    """
    findings = examine(Job.app)
    if as_json:
        print_rows([asdict(finding) for finding in findings], as_json=True)
    else:
        for finding in findings:
            mark = "ok   " if finding.state == "fine" else "WRONG"
            print_line(f"{mark}  {finding.subject}: {finding.text}")
            if finding.advice:
                print_line(f"       -> {finding.advice}")
    exit_unless(all(finding.state != "wrong" for finding in findings))
