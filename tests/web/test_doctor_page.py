"""What `buoy doctor` finds, on a page."""

from buoy.plugins.operators import Finding
from buoy_web.pages.doctor import worst_first


def test_of_many_findings_what_is_wrong_is_shown_first_and_what_is_ok_last() -> None:
    ok, wrong = Finding("clock", "ok", ""), Finding("keys", "wrong", "")
    note = Finding("memory", "note", "")

    assert worst_first([ok, wrong, note]) == [wrong, note, ok]
