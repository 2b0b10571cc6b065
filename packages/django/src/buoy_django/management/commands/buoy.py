"""``manage.py buoy``: all commands of ``buoy``, with the settings and the jobs of the project."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser, handle_default_options

from buoy.plugins.commands import run_commands


class Command(BaseCommand):  # type: ignore[misc]  # Django is not typed
    """Passes its arguments on to the command line of buoy."""

    help = "Background jobs: worker, scheduler, failed jobs, and the other commands of buoy."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a command of its own: options, help, signals and exit codes are those of buoy."""
        parser = CommandParser(add_help=False, allow_abbrev=False)
        parser.add_argument("--settings")
        parser.add_argument("--pythonpath")
        options, arguments = parser.parse_known_args(argv[2:])
        handle_default_options(options)
        self.run(argv[0], arguments)

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Print what ``manage.py help buoy`` shows: the help of buoy."""
        self.run(prog_name, ["--help"])

    def add_arguments(self, parser: CommandParser) -> None:
        """Take all arguments as they are, for ``call_command("buoy", "queues", "list")``."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run within another command; raises CommandError if it does not end with 0."""
        try:
            self.run(sys.argv[0], options["arguments"])
        except SystemExit as end:
            if end.code:
                raise CommandError(
                    f"buoy {' '.join(options['arguments'])}: ended with {end.code}"
                ) from None

    def run(self, program: str, arguments: list[str]) -> None:
        let_processes_import_the_project()
        start = [program]
        name = Path(program).name
        if name == "__main__.py":
            start, name = ["-m", "django"], "python -m django"
        run_commands(arguments, name=f"{name} buoy", command=[sys.executable, *start, "buoy"])


def let_processes_import_the_project() -> None:
    """Let the processes that a worker starts import from where ``manage.py`` imports."""
    before = os.environ.get("PYTHONPATH", "")
    folder = str(Path(sys.path[0]).absolute())
    if folder not in before.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, before]))
