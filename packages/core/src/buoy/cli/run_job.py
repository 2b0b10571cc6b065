"""``buoy jobs run``."""

from types import CodeType
from typing import Any

import click

from ..jobs.call import Call
from ..jobs.job import Job
from ..loading.app_modules import load_app
from ..loading.served_app import check_app
from ..model.failure import Failure
from ..model.options import AS_DECLARED
from ..text.printable import indented
from .enqueue import Arguments
from .job_class import named_class
from .options import app_option, chosen_app
from .output import exit_unless, format_json
from .params import TEXT


@click.command()
@click.argument("name", metavar="CLASS", type=TEXT)
@click.argument("arguments", metavar="[ARGS-JSON]", type=Arguments(), default=([], {}))
@app_option(required=True)
def run(name: str, arguments: tuple[list[Any], dict[str, Any]], app: list[str]) -> None:
    """Run a job here and now, in this process, to see what it does.

    Its plugins run around it. It is not enqueued, no worker and no Redis is needed, and a failure
    is recorded nowhere: the traceback is printed, and the exit code is 1. breakpoint() works.
    """
    load_app(app)
    found = named_class(name)
    check_app(found, chosen_app())
    args, kwargs = arguments
    job: Job = Call[Any, Any](found, AS_DECLARED).build(*args, **kwargs)
    try:
        result = job.app.perform(job)
    except (KeyboardInterrupt, click.Abort):
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, is an error of the job
        click.echo(indented(failed_run(found, error), first=True), err=True)
        exit_unless(False)
    else:
        if result is not None:
            click.echo(indented(text_of(result)))


def failed_run(job: type[Job], error: BaseException) -> str:
    """Returns the traceback of a run, from ``perform`` on."""
    code = getattr(getattr(job, "perform", None), "__code__", None)
    return Failure.of(error, code if isinstance(code, CodeType) else None).traceback


def text_of(result: object) -> str:
    """Returns what ``perform`` returned: as JSON if that can hold it."""
    text = format_json(result, ascii=False)
    return repr(result) if text.startswith("(cannot be shown") else text
