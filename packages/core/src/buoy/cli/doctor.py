"""``buoy doctor``."""

from dataclasses import asdict

import click

from ..jobs.job import Job
from ..operations.doctor import examine
from .output import exit_unless, json_option, print_line, print_marked, print_rows
from .program import with_program
from .table import GREEN, RED, YELLOW

MARKS = {"ok": ("ok   ", GREEN), "note": ("NOTE ", YELLOW), "wrong": ("WRONG", RED)}


@click.command()
@click.option("--strict", is_flag=True, help="End with 1 if there is a note, too.")
@json_option
def doctor(strict: bool, as_json: bool) -> None:
    """Check Redis, queues and workers for present and coming problems.

    WRONG is what is broken: the exit code is 1 then. NOTE is what somebody should look at.
    """
    findings = examine(Job.app)
    if as_json:
        print_rows([asdict(finding) for finding in findings], as_json=True)
    else:
        for finding in findings:
            print_marked(*MARKS[finding.state], f"  {finding.subject}: {finding.text}")
            if finding.advice:
                print_line(f"       -> {with_program(finding.advice)}")
    bad = {"note", "wrong"} if strict else {"wrong"}
    exit_unless(not bad & {finding.state for finding in findings})
