"""``buoy enqueue``."""

from typing import Any

import click

from ..jobs.call import Call
from ..jobs.job import Job
from ..loading.app_modules import load_app
from ..loading.served_app import check_app
from ..model.options import options
from ..model.strict_json import parse_json
from .job_class import named_class
from .options import app_option, chosen_app
from .output import exit_unless, json_option, print_rows
from .params import QUEUE, SECONDS, TEXT

COLUMNS = ("id", "queue", "state", "reason", "holder")


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
@click.option("--id", type=TEXT, help="An id of your choice. buoy never enqueues an id twice.")
@click.option("--tag", "tags", type=TEXT, multiple=True, help="A tag of the job; may be repeated.")
@json_option
def enqueue(
    name: str,
    arguments: tuple[list[Any], dict[str, Any]],
    app: list[str],
    queue: str | None,
    delay: float | None,
    id: str | None,
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Enqueue a job.

    CLASS is the name of a job class, like shop.jobs.Charge. With -a, buoy loads the class, checks
    the arguments and asks its plugins. Without -a, it enqueues the job by name to --queue.
    """
    args, kwargs = arguments
    if app:
        load_app(app)
        chosen = options(queue, delay, None, id, tags=tags)
        found = named_class(name)
        check_app(found, chosen_app())
        handle = Call[Any, Any](found, chosen).enqueue(*args, **kwargs)
    elif queue is None or delay is not None:
        raise click.UsageError("expected -a MODULE, or --queue without --delay, for a push by name")
    else:
        handle = Job.app.push(name, args, kwargs, queue=queue, id=id, tags=tags)
    row = {column: getattr(handle, column) for column in ("identifier", *COLUMNS)}
    print_rows([row], COLUMNS, as_json=as_json)
    exit_unless(handle.state != "rejected")
