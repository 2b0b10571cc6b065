"""``buoy scheduler``."""

from pathlib import Path

import click

from buoy import ConfigurationError, Job
from buoy.plugins.commands import (
    File,
    app_option,
    check_option,
    exit_unless,
    load_chosen_app,
    log_format_option,
    print_line,
    quiet_option,
    read_pid,
    require_unix,
    verbose_option,
)

from .options import file_options


@click.command()
@app_option(required=True)
@file_options
@click.option(
    "--pidfile",
    type=File(path_type=Path),
    help="Write the id of this process to a file, for a process monitor; removed at the end. With "
    "--check: the file of the scheduler to check.",
)
@check_option
@verbose_option
@quiet_option
@log_format_option
def scheduler(
    app: list[str],
    file: Path | None,
    env: str | None,
    pidfile: Path | None,
    check: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Enqueue recurring jobs at their times. Run any number of schedulers: each tick fires once.

    TERM, INT, QUIT: end at once. HUP: read the schedule file again.
    """
    if check:
        from ..liveness import probe_daemons

        alive, text = probe_daemons(Job.app, read_pid(pidfile))
        print_line(text)
        exit_unless(alive)
        return
    require_unix()
    from buoy.plugins.daemon import configure_logging, exit_on_signals, pid_file

    context = click.get_current_context()
    context.with_resource(exit_on_signals(context.close))
    from ..daemon.daemon import Daemon
    from ..schedule import declared_schedule

    configure_logging(verbose - quiet)
    context.with_resource(pid_file(pidfile))
    load_chosen_app(app)
    if Job.app.is_inline:
        raise ConfigurationError("BUOY_INLINE: expected 0 for a scheduler, got 1")
    Daemon(Job.app, lambda: declared_schedule(file, env)).run()
