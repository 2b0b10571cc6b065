"""``buoy jobs edit``."""

import json
import sys
from typing import Any

import click

from ..errors import BuoyError, CorruptPayload
from ..jobs.job import Job
from ..model.redaction import restored
from ..model.strict_json import parse_json
from ..operations.views import JobView
from .options import app_option, load_chosen_app
from .output import format_json, print_line
from .params import TEXT
from .terminal import is_terminal

Arguments = tuple[list[Any] | None, dict[str, Any] | None]
"""The new positional and named arguments of a job; None: as they are."""


class Json(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """A JSON value of one type."""

    name = "json"

    def __init__(self, kind: type, wanted: str) -> None:
        self.kind, self.wanted = kind, wanted

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, self.kind):
            return value
        try:
            found = parse_json(value)
        except (ValueError, RecursionError) as error:
            self.fail(f"expected {self.wanted}, got {value!r:.200} ({error})", param, ctx)
        if not isinstance(found, self.kind):
            self.fail(f"expected {self.wanted}, got {value!r:.200}", param, ctx)
        return found


@click.command()
@click.argument("id", type=TEXT)
@click.option(
    "--args",
    type=Json(list, "a JSON array like '[42]'"),
    help="The new positional arguments, as a JSON array.",
)
@click.option(
    "--kwargs",
    type=Json(dict, 'a JSON object like \'{"currency": "EUR"}\''),
    help="The new named arguments, as a JSON object.",
)
@click.option(
    "--keep-claims",
    is_flag=True,
    help="Also edit a job with claims; they stay those of its first arguments.",
)
@app_option(required=False)
def edit(
    id: str,
    args: list[Any] | None,
    kwargs: dict[str, Any] | None,
    keep_claims: bool,
    app: list[str],
) -> None:
    """Change the arguments of a job that is queued, blocked, delayed or failed.

    Without --args and --kwargs it opens them in $EDITOR. With -a, `perform` of the class must be
    able to take them. A job that runs, or that has changed meanwhile, is left as it is.
    """
    if app:
        load_chosen_app(app)
    view = editable(id)
    if args is None and kwargs is None:
        edit_by_hand(view, keep_claims=keep_claims)
    else:
        store(view, (args, kwargs), keep_claims=keep_claims)


def editable(id: str) -> JobView:
    """Returns a job that can be edited; raises ClickException if it cannot."""
    view = Job.app.find(id)
    wanted = f"{id}: expected a queued, blocked, delayed or failed job, but "
    if view is None:
        raise click.ClickException(f"{wanted}no queue knows it")
    if view.state == "running":
        raise click.ClickException(f"{wanted}it is running in {view.queue}")
    if view.name is None:
        raise click.ClickException(f"{id}: expected a payload that can be read, got {view.raw:.80}")
    return view


def store(view: JobView, arguments: Arguments, *, keep_claims: bool) -> None:
    """Store new arguments of a job, if it is still as it was seen, and report the change. What
    is hidden in them as it was shown stays as it is.

    Raises ClickException if it is not, and the errors of ``restored`` and ``App.edit``.
    """
    args, kwargs = arguments
    if args is not None:
        args = restored(args, view.shown_args, view.args)
    if kwargs is not None:
        kwargs = restored(kwargs, view.shown_kwargs, view.kwargs)
    answer = Job.app.edit(view.id, args, kwargs, seen=view, keep_claims=keep_claims)
    if answer != "edited":
        reasons = {"gone": "it has ended or moved", "running": "it runs", "changed": "it changed"}
        raise click.ClickException(f"{view.id}: {reasons[answer]} meanwhile; nothing was edited")
    print_line(f"{view.id}: edited, {view.state} in {view.queue}")
    after = Job.app.find(view.id)
    if after is not None:
        print_line(f"  before: {called(view)}")
        print_line(f"  now:    {called(after)}")


def called(view: JobView) -> str:
    """Returns the arguments of a job as JSON."""
    named = f" {format_json(view.shown_kwargs, ascii=False)}" if view.kwargs else ""
    return f"{format_json(view.shown_args, ascii=False)}{named}"


def edit_by_hand(view: JobView, *, keep_claims: bool) -> None:
    """Let the user edit the arguments of a job in an editor, again while they are refused."""
    if not is_terminal(sys.stdin) or not is_terminal(sys.stdout):
        raise click.UsageError("expected --args or --kwargs where no editor can be opened")
    shown = {"args": view.shown_args, "kwargs": view.shown_kwargs}
    before = json.dumps(shown, indent=2, ensure_ascii=False)
    text: str | None = f"{before}\n"
    while True:
        text = click.edit(text, extension=".json", require_save=False)
        if text is None or text.strip() == before:
            print_line(f"{view.id}: nothing was edited")
            return
        try:
            store(view, arguments_in(text), keep_claims=keep_claims)
        except CorruptPayload:
            raise
        except (BuoyError, ValueError) as error:
            print_line(f"Error: {error}", err=True)
            if not click.confirm("Edit again?", default=True):
                raise click.Abort from error
        else:
            return


def arguments_in(text: str) -> Arguments:
    """Returns the arguments in a text that was edited; raises ValueError."""
    try:
        match parse_json(text):
            case {"args": list(args), "kwargs": dict(kwargs), **others} if not others:
                return args, kwargs
    except RecursionError:
        raise ValueError("expected fewer levels of lists and objects") from None
    raise ValueError('expected a JSON object like {"args": [42], "kwargs": {}}')
