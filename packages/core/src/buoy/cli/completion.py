"""``buoy completion``."""

import click
from click.shell_completion import get_completion_class

from .params import Choice

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_BUOY_COMPLETE"
"""The variable by which the shell asks buoy for completions; click reads it."""


@click.command()
@click.argument("shell", type=Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(buoy completion bash)" in ~/.bashrc. For zsh: the same with zsh in ~/.zshrc.
    For fish: buoy completion fish > ~/.config/fish/completions/buoy.fish.
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"this version of click has no completion for {shell}")
    click.echo(found(ctx.find_root().command, {}, "buoy", VARIABLE).source())
