"""Lets tests of commands read the output as click's runner has it from 8.2 on: both streams in
``output``, and each by itself."""

from functools import partialmethod
from inspect import signature

from click.testing import CliRunner, Result

IS_OLD = "mix_stderr" in signature(CliRunner).parameters
"""Whether it is click 8.1, whose runner answers with nothing where there is no answer; a terminal
that is at its end is told apart there, too."""


def use_streams_apart() -> None:
    if IS_OLD:
        CliRunner.__init__ = partialmethod(CliRunner.__init__, mix_stderr=False)  # type: ignore
        Result.output = property(lambda self: self.stdout + self.stderr)  # type: ignore
