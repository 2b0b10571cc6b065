"""Groups of commands."""

import click

WHOLE_SENTENCE = 1000
"""More characters than the first sentence of a help text has."""


class Group(click.Group):
    """A group whose help shows the first sentence of each command whole, on several lines if it is
    long. Use it as ``@click.group(cls=Group)``."""

    def get_described(self, ctx: click.Context, name: str) -> click.Command | None:
        """Returns a command that is good for its help line."""
        return self.get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_described(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(WHOLE_SENTENCE))
            for name, command in found
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
