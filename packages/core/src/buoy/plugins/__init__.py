"""The names of the core that plugins may use, beside those of ``buoy`` itself.

``buoy.plugins.redis`` is for what a plugin keeps in Redis, ``buoy.plugins.commands`` for command
lines, ``buoy.plugins.daemon`` for processes of a plugin, ``buoy.plugins.text`` for text that is
shown. This module is cheap to import: declaring jobs loads neither the Redis client nor click.
"""

from ..jobs.after_success import is_after_success
from ..jobs.call import Async, Performs, Rows, call_of, checked_rows
from ..jobs.children import following_job
from ..jobs.enqueueing import freeze, postpone
from ..jobs.facts import seen_by_hooks
from ..jobs.plugin import run_coroutine
from ..jobs.redacting import is_sealed, shown_arguments
from ..jobs.registry import find_classes_by
from ..jobs.run_log import log_fields
from ..model.checks import expect, expect_flags, expect_seconds, parse_switch
from ..model.failure import format_traceback
from ..model.identity import identifier
from ..model.names import checked_queue
from ..model.payload import SEALED
from ..model.redaction import REDACTED, restored
from ..model.signature import Signature
from ..model.signature import signature as signature_of
from ..model.strict_json import NotJson, check_json
from ..model.strict_json import encode as encode_json
from ..process.config_file import use_settings
from ..process.logs import Log
from ..process.stopping import is_stopping
from ..settings import text_setting
from .jobs import (
    arguments_of,
    build_job,
    declared_arguments,
    describe_error,
    enqueue_then,
    groups_of,
    identifier_of,
    job_classes,
    open_text,
    plugins_of,
    seal_text,
    set_signature,
    tell_end,
)

__all__ = [
    "REDACTED",
    "SEALED",
    "Async",
    "Log",
    "NotJson",
    "Performs",
    "Rows",
    "Signature",
    "arguments_of",
    "build_job",
    "call_of",
    "check_json",
    "checked_queue",
    "checked_rows",
    "declared_arguments",
    "describe_error",
    "encode_json",
    "enqueue_then",
    "expect",
    "expect_flags",
    "expect_seconds",
    "find_classes_by",
    "following_job",
    "format_traceback",
    "freeze",
    "groups_of",
    "identifier",
    "identifier_of",
    "is_after_success",
    "is_sealed",
    "is_stopping",
    "job_classes",
    "log_fields",
    "open_text",
    "parse_switch",
    "plugins_of",
    "postpone",
    "restored",
    "run_coroutine",
    "seal_text",
    "seen_by_hooks",
    "set_signature",
    "shown_arguments",
    "signature_of",
    "tell_end",
    "text_setting",
    "use_settings",
]
