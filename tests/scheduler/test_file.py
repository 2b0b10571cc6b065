"""Schedule files: a wrong entry does not affect others."""

from pathlib import Path

import pytest

from buoy_scheduler.schedule_file.reader import ALL, Reading, read_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "schedule.yml"


def read(file: Path, text: str, env: str | None = None) -> Reading:
    file.write_text(text)
    return read_file(file, env)


def names(reading: Reading) -> list[str]:
    return [entry.name for entry in reading.entries]


def errors(reading: Reading) -> list[str]:
    return [str(error) for error in reading.errors]


RESQUE = """\
---
# An old file of resque-scheduler.
queue_documents_for_indexing:
  cron: "0 0 * * *"
  class: "QueueDocuments"
  queue: high
  args:
  description: "This job queues all content for indexing in solr"

export_every_hour:
  every:
    - "1h"
    - :first_in: 120s
  class: Export
  args: [ "contributors", {compress: true} ]

clear_leaderboards:
  cron: "30 6 * * 1 America/New_York"
  class: "Leaderboards"
  queue: low
  rails_env: production, staging
"""


def test_an_old_file_of_resque_scheduler_is_read(file: Path) -> None:
    reading = read(file, RESQUE, "staging")

    assert errors(reading) == []
    assert reading.notes == ["export_every_hour: first_in: has no effect here"]
    documents, export, clear = reading.entries
    assert (documents.job, documents.queue, documents.cron, documents.args) == (
        "QueueDocuments",
        "high",
        "0 0 * * *",
        "[]",
    )
    assert (export.every, export.args) == (3600, '["contributors", {"compress": true}]')
    assert (clear.cron, clear.tz) == ("30 6 * * 1", "America/New_York")


def test_entries_of_another_environment_are_left_out(file: Path) -> None:
    text = "a: {every: 1h, env: production}\nb: {every: 1h}\n"

    assert names(read(file, text, "staging")) == ["b"]
    assert names(read(file, text, ALL)) == ["a", "b"]
    unsure = read(file, text)
    assert names(unsure) == ["b"]
    assert errors(unsure) == [
        "schedule entry 'a': env: it is only for 'production'; give the environment of this "
        "process by --env"
    ]


def test_wrong_entries_are_left_out_and_named(file: Path) -> None:
    reading = read(
        file,
        "good: {every: 1h}\n"
        "no zone: {every: 1h, tz: Mars}\n"
        "number: 5\n"
        "day: {every: 1h, args: [2026-02-30]}\n"
        "date: {every: 1h, args: [2026-02-20]}\n"
        "object: !!python/object:os.system {}\n"
        "good: {every: 2h}\n",
    )

    assert [(entry.name, entry.every) for entry in reading.entries] == [("good", 3600)]
    assert errors(reading) == [
        "schedule entry 'no zone': tz: expected a time zone like 'Europe/Berlin', got 'Mars'",
        "schedule entry 'number': expected keys like cron and class, got 5",
        "schedule entry 'day': expected YAML, got: day is out of range for month",
        "schedule entry 'date': args: expected no ambiguous YAML, got 2026-02-20 "
        "(to YAML datetime.date(2026, 2, 20); in quotes it is a text)",
        "schedule entry 'object': expected YAML, got: could not determine a constructor for the "
        "tag 'tag:yaml.org,2002:python/object:os.system' (line 6)",
        "schedule entry 'good': expected one entry of this name, got another",
    ]


def test_an_entry_that_is_no_yaml_does_not_affect_others(file: Path) -> None:
    reading = read(
        file,
        "---\n# A star begins an alias.\na:\n  every: 1h\nb:\n  cron: * * * * *\nc: {every: [\n"
        "d:\n  every: 1d\n",
    )

    assert names(reading) == ["a", "d"]
    assert errors(reading) == [
        "schedule entry 'b': expected YAML, got: expected alphabetic or numeric character, "
        "but found ' ' (line 6)",
        "schedule entry 'c': expected YAML, got: expected the node content, but found "
        "'<stream end>' (line 8)",
    ]


def test_entries_can_share_parts_by_aliases(file: Path) -> None:
    reading = read(file, "a: &a {every: 1h, queue: low}\nb:\n  <<: *a\n  class: shop.Report\n")

    assert [(entry.name, entry.job, entry.queue) for entry in reading.entries] == [
        ("a", "a", "low"),
        ("b", "shop.Report", "low"),
    ]


@pytest.mark.parametrize("text", ["", "---\n", "# nothing yet\n", "{}"])
def test_an_empty_file_is_an_empty_schedule(file: Path, text: str) -> None:
    assert read(file, text) == Reading()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.yml"

    assert errors(read_file(path)) == [
        f"schedule {path}: cannot be read: [Errno 2] No such file or directory: '{path}'"
    ]


def test_a_file_that_is_no_schedule_is_an_error(file: Path) -> None:
    assert errors(read(file, "- a\n- b\n")) == [
        f"schedule {file}: cannot be read: expected names, each with an entry"
    ]
    assert errors(read(file, "a text")) == [
        "schedule entry 'a text': expected YAML, got: expected names, each with an entry"
    ]
    file.write_bytes(b"\xff\xfe\xff")
    [error] = errors(read_file(file))
    assert error.startswith(f"schedule {file}: cannot be read: 'utf-8' codec can't decode")


def test_a_file_of_a_thousand_brackets_is_an_error(file: Path) -> None:
    reading = read(file, "a: {every: 1h}\nb: " + "[" * 1000)

    assert names(reading) == ["a"]
    assert len(reading.errors) == 1


@pytest.mark.parametrize(
    "text",
    [
        ":enabled: false\n:schedule: {a: {every: 1h}}",
        ":scheduler: {:enabled: no, :schedule: {a: {every: 1h}}}",
    ],
)
def test_a_disabled_schedule_of_sidekiq_is_an_error(file: Path, text: str) -> None:
    reading = read(file, text)

    assert (names(reading), reading.incomplete) == ([], True)
    assert errors(reading) == [
        f"schedule {file}: cannot be read: enabled: expected true for a whole schedule, got false"
    ]


def test_an_entry_can_have_the_name_of_a_setting_of_sidekiq(file: Path) -> None:
    reading = read(file, "schedule: {every: 1h}\nscheduler: {every: 1h}\nqueues: {every: 1h}\n")

    assert names(reading) == ["schedule", "scheduler", "queues"]


def test_an_empty_entry_is_an_error_but_not_an_empty_section(file: Path) -> None:
    assert errors(read(file, "a:\nb: {every: 1h}\n")) == [
        "schedule entry 'a': expected keys like cron and class, got None"
    ]
    assert read(file, "a:\nproduction: {b: {every: 1h}}\n", "a") == Reading()


@pytest.mark.parametrize("section", [":schedule", "production", ":scheduler: {{:schedule"])
@pytest.mark.parametrize("bad", ["", "0 8 * * *", "[1]"])
def test_a_wrong_entry_in_a_section_does_not_affect_others(
    file: Path, section: str, bad: str
) -> None:
    end = "}" if "{" in section else ""
    text = f"{section}: {{a: {{every: 1h}}, b: {bad}, c: {{every: 2h}}}}{end}\n"
    reading = read(file, text.replace("{{:", "{:"), "production")

    assert names(reading) == ["a", "c"]
    assert [error.split(": ")[0] for error in errors(reading)] == ["schedule entry 'b'"]
    assert not reading.incomplete


def test_a_file_that_is_too_long_is_an_error(file: Path) -> None:
    reading = read(file, "a: {every: 1h}\n" * 100_000)

    assert errors(reading) == [
        f"schedule {file}: cannot be read: expected at most 1048576 bytes, got more"
    ]


def test_a_file_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes("a: {every: 1h}\n".encode("utf-8-sig"))

    assert names(read_file(file)) == ["a"]


def test_errors_name_the_line_when_the_file_is_read_in_blocks(file: Path) -> None:
    reading = read(file, "a: {every: 1h}\n" + "# comment\n" * 40 + "b: [\nc: {every: 1h}\n")

    assert names(reading) == ["a", "c"]
    assert errors(reading)[0].endswith("(line 43)")


def test_the_values_of_aliases_are_limited_in_a_whole_file(file: Path) -> None:
    reading = read(
        file,
        f"many: {{every: 1h, args: &x [{'y, ' * 9000}]}}\n"
        + "".join(f"a{n}: {{every: 1h, args: *x}}\n" for n in range(2000)),
    )

    assert len(reading.entries) == 22
    assert errors(reading)[-1] == (
        "schedule entry 'a1999': expected YAML, got: expected at most 200000 values in a file, got "
        "more"
    )


def test_a_wrong_entry_in_a_list_does_not_affect_others(file: Path) -> None:
    reading = read(file, "- {name: a, every: 1h}\n- {every: 1h}\n- x\n- {name: b, every: 2h}\n")

    assert names(reading) == ["a", "b"]
    assert errors(reading) == [
        f"schedule entry 'number {n}': expected YAML, got: expected a name, got none"
        for n in (2, 3)
    ]
