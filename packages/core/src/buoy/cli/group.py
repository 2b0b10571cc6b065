"""Groups of commands."""

import click
from click.shell_completion import CompletionItem

WHOLE_SENTENCE = 1000
"""More characters than the first sentence of a help text has."""
LIST = "list"


class Group(click.Group):
    """A group whose help shows the first sentence of each command whole, on several lines if it is
    long, and whose errors name the command that was probably meant. Use it as
    ``@click.group(cls=Group)``."""

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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx), 1)
            if not close or args[0].startswith("-"):
                raise
            message = f"{error.message} Did you mean {close[0]!r}?"
            raise click.UsageError(message, ctx) from None


class ListGroup(Group):
    """A group with a command ``list``, which runs where no command is named: ``buoy failed
    --queue mail`` is ``buoy failed list --queue mail``. Use it as ``@click.group(cls=ListGroup)``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        completes = ctx.resilient_parsing and not args  # a command may be completed next
        if not completes and not self.names_command(ctx, args):
            args = [LIST, *args]
        return super().parse_args(ctx, args)

    def names_command(self, ctx: click.Context, args: list[str]) -> bool:
        """Whether these words name a command, behind options of the group alone; also if they ask
        for the help of the group."""
        try:
            options, words, _ = self.make_parser(ctx).parse_args([*args])
        except click.UsageError:
            return False  # an option of the list, or an error that the list reports
        asks = self.get_help_option(ctx)
        return bool(words) or (asks is not None and asks.name in options)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        path = ctx.command_path
        formatter.write_paragraph()
        formatter.write_text(f"`{path}` alone is `{path} {LIST}`, and takes its options.")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            shown = {item.value for item in found}
            options = self.commands[LIST].shell_complete(ctx, incomplete)
            found += [item for item in options if item.value not in shown]
        return found
