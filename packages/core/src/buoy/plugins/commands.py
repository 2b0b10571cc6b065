"""Options, arguments and output of commands: those of plugins look and behave as the core's."""

from ..cli import run_commands
from ..cli.bulk import bulk_command, filter_options, ids_argument, print_preview
from ..cli.group import Group, ListGroup
from ..cli.job_facts import print_facts
from ..cli.options import (
    app_option,
    args_option,
    check_option,
    class_option,
    confirm,
    empty_text,
    load_chosen_app,
    log_format_option,
    queue_option,
    quiet_option,
    read_pid,
    require_queue,
    require_unix,
    tag_option,
    verbose_option,
    yes_option,
)
from ..cli.output import (
    Duration,
    count_option,
    exit_unless,
    format_cell,
    format_job_count,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    print_marked,
    print_rows,
    report_unknown,
)
from ..cli.params import COUNT, INSTANT, QUEUE, TEXT, Choice, File, WholeNumber
from ..cli.progress import in_pages, progress
from ..cli.redis_options import choose_redis
from ..cli.setting import setting_option
from ..cli.watch import watch_option

__all__ = [
    "COUNT",
    "INSTANT",
    "QUEUE",
    "TEXT",
    "Choice",
    "Duration",
    "File",
    "Group",
    "ListGroup",
    "WholeNumber",
    "app_option",
    "args_option",
    "bulk_command",
    "check_option",
    "choose_redis",
    "class_option",
    "confirm",
    "count_option",
    "empty_text",
    "exit_unless",
    "filter_options",
    "format_cell",
    "format_job_count",
    "format_time",
    "ids_argument",
    "in_pages",
    "json_option",
    "load_chosen_app",
    "log_format_option",
    "print_facts",
    "print_first_rows",
    "print_line",
    "print_marked",
    "print_preview",
    "print_rows",
    "progress",
    "queue_option",
    "quiet_option",
    "read_pid",
    "report_unknown",
    "require_queue",
    "require_unix",
    "run_commands",
    "setting_option",
    "tag_option",
    "verbose_option",
    "watch_option",
    "yes_option",
]
