"""The names of the core that plugins may use, beside those of ``buoy`` itself.

``buoy.plugins.redis`` is for what a plugin keeps in Redis, ``buoy.plugins.commands`` for command
lines, ``buoy.plugins.daemon`` for processes of a plugin, ``buoy.plugins.text`` for text that is
shown. This module is cheap to import: declaring jobs loads neither the Redis client nor click.
"""

from ..jobs.enqueueing import freeze
from ..jobs.facts import seen_by_hooks
from ..jobs.job import Performs
from ..jobs.plugin import run_coroutine
from ..model.checks import expect, parse_switch
from ..model.identity import identifier
from ..model.names import checked_queue
from ..model.signature import Signature
from ..model.signature import signature as signature_of
from ..model.strict_json import NotJson, check_json
from ..model.strict_json import encode as encode_json
from ..process.logs import Log
from .jobs import (
    arguments_of,
    build_job,
    describe_error,
    job_classes,
    plugins_of,
    set_signature,
)

__all__ = [
    "Log",
    "NotJson",
    "Performs",
    "Signature",
    "arguments_of",
    "build_job",
    "check_json",
    "checked_queue",
    "describe_error",
    "encode_json",
    "expect",
    "freeze",
    "identifier",
    "job_classes",
    "parse_switch",
    "plugins_of",
    "run_coroutine",
    "seen_by_hooks",
    "set_signature",
    "signature_of",
]
