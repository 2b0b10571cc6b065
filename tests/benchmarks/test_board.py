"""The board on which jobs record that they ran."""

from pathlib import Path

from benchmarks.board import Board


def board(folder: Path, size: int) -> Board:
    return Board.create(str(folder / "board"), size)


def test_the_board_counts_jobs_that_run_in_any_order(tmp_path: Path) -> None:
    this = board(tmp_path, 5)
    seen = [this.done()]

    for number in (3, 0, 1, 4, 2):
        this.mark(number)
        seen.append(this.done())

    assert seen == [0, 1, 2, 3, 4, 5]
    assert all(time > 0 for time in this.ran)


def test_a_job_that_runs_twice_is_counted_once_and_reported(tmp_path: Path) -> None:
    this = board(tmp_path, 3)
    for number in (0, 1, 1):
        this.mark(number)

    assert this.done() == 2
    assert this.doubled() == 1


def test_another_process_can_open_the_board_by_its_path(tmp_path: Path) -> None:
    this = board(tmp_path, 2)

    Board(str(tmp_path / "board")).mark(1)

    assert list(this.counts) == [0, 1]
