"""``buoy enqueue``."""

from collections.abc import Mapping
from typing import Any

import click

from ..jobs.call import Call
from ..jobs.job import Job
from ..loading.app_modules import load_app
from ..loading.served_app import check_app
from ..model.options import options
from ..model.priority import LEVELS
from ..model.strict_json import parse_json
from ..text.units import MIB
from .job_class import named_class
from .options import app_option, chosen_app
from .output import exit_unless, json_option, print_rows
from .params import QUEUE, SECONDS, TEXT, Choice, Moment, Newer, Seconds, WholeNumber

COLUMNS = ("id", "queue", "state", "reason", "holder")
MORE_SECONDS = Seconds(min_open=True)


def to_bytes(_ctx: click.Context, _param: click.Parameter, mebibytes: int | None) -> int | None:
    """Returns the bytes of so many MiB."""
    return None if mebibytes is None else mebibytes * MIB


class Arguments(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """Arguments of a job in JSON: an array of positional ones, or an object of named ones."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(value, tuple):
            return value
        try:
            given = parse_json(value)
        except (ValueError, RecursionError) as error:
            self.fail(f"expected JSON like '[42]', got {value!r:.200} ({error})", param, ctx)
        if not isinstance(given, list | dict):
            self.fail(f"expected a JSON array or object, got {value!r:.200}", param, ctx)
        return (given, {}) if isinstance(given, list) else ([], given)


@click.command()
@click.argument("name", metavar="CLASS", type=TEXT)
@click.argument("arguments", metavar="[ARGS-JSON]", type=Arguments(), default=([], {}))
@app_option(required=False)
@click.option(
    "--queue", type=QUEUE, help="A queue other than that of the class. Required without -a."
)
@click.option("--delay", type=SECONDS, help="Seconds until the job is due.")
@click.option("--at", type=Moment(), metavar="TIME", help="When the job is due.")
@click.option("--id", type=TEXT, help="An id of your choice. buoy never enqueues an id twice.")
@click.option(
    "--replace",
    is_flag=True,
    help="If a job with this --id waits, give it these arguments, this time and this priority.",
)
@click.option("--priority", type=Choice(LEVELS), help="Which jobs of the queue run first.")
@click.option("--front", is_flag=True, help="Go before all jobs of the same priority.")
@click.option("--tag", "tags", type=TEXT, multiple=True, help="A tag of the job; may be repeated.")
@click.option("--timeout", type=MORE_SECONDS, help="Seconds that a run may take.")
@click.option(
    "--max-memory",
    type=WholeNumber(1, 10**9),
    metavar="MIB",
    callback=to_bytes,
    help="The memory that the process of a run may use.",
)
@click.option(
    "--expires",
    type=MORE_SECONDS,
    help="Seconds after being due in which the first run must start.",
)
@click.option(
    "--max-length",
    type=WholeNumber(1, 10**15),
    help="Enqueue nothing if the queue has this many queued, blocked and delayed jobs.",
)
@click.option(
    "--newer",
    type=Newer(),
    metavar="NAME=NUMBER",
    help="Reject the job unless the number that the queue has under this name is lower.",
)
@json_option
def enqueue(
    name: str,
    arguments: tuple[list[Any], dict[str, Any]],
    app: list[str],
    queue: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Enqueue a job.

    CLASS is the name of a job class, like shop.jobs.Charge. With -a, buoy loads the class, checks
    the arguments and asks its plugins. Without -a, it enqueues the job by name to --queue, and what
    the class declares for it (priority, tags, expires, max_length) has no effect.
    """
    check_together(given)
    args, kwargs = arguments
    if app:
        load_app(app)
        found = named_class(name)
        check_app(found, chosen_app())
        handle = Call[Any, Any](found, options(queue, **given)).enqueue(*args, **kwargs)
    elif queue is None:
        raise click.UsageError("expected -a MODULE, or --queue for a push by name")
    else:
        handle = Job.app.push(name, args, kwargs, queue=queue, **given)
    row = {column: getattr(handle, column) for column in ("identifier", *COLUMNS)}
    print_rows([row], COLUMNS, as_json=as_json)
    exit_unless(handle.state != "rejected")


def check_together(given: Mapping[str, Any]) -> None:
    """Raise UsageError for options that do not go together."""
    if given["delay"] is not None and given["at"] is not None:
        raise click.UsageError("expected --delay or --at, got both")
    if given["replace"] and given["id"] is None:
        raise click.UsageError("expected --replace with the --id of the job, got no --id")
