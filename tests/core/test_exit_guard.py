"""The guard against tests that end the process of the tests."""

import os

import pytest

from tests.support.exits import GUARDED_EXIT, guarded_exit


class TestExitGuard:
    def test_the_process_of_the_tests_never_leaves_with_0(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        codes: list[int] = []
        leave = guarded_exit(codes.append)

        for code in (0, 3):
            with pytest.raises(AssertionError):
                leave(code)

        assert codes == [GUARDED_EXIT, 3]
        assert "a test has called os._exit(0)" in capfd.readouterr().err

    def test_it_guards_each_test(self) -> None:
        assert os._exit.__module__ == "tests.support.exits"

    def test_a_forked_process_leaves_as_ever(self) -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(0)

        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
