"""``buoy doctor``."""

from dataclasses import asdict

import click

from ..jobs.job import Job
from ..operations.doctor import examine
from .output import end, json_option, say, show


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check Redis, queues and workers for what is wrong or will be soon.

    Ends with exit code 1 if something is wrong.
    """
    findings = examine(Job.app)
    if as_json:
        show([asdict(finding) for finding in findings], as_json=True)
    else:
        for finding in findings:
            mark = "ok   " if finding.state == "fine" else "WRONG"
            say(f"{mark}  {finding.subject}: {finding.text}")
            if finding.advice:
                say(f"       -> {finding.advice}")
    end(all(finding.state != "wrong" for finding in findings))
