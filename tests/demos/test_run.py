"""Every failure of a program is one line and an exit status."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mothsim.demos.cli.main import main
from mothsim.demos.options import Counts, Seconds, check
from mothsim.demos.run import run

MOTHSIM = [sys.executable, "-m", "mothsim"]


@dataclass
class Raise:
    """Raise an error by name."""

    error: str = "ValueError"
    """Which."""

    def run(self) -> None:
        """Raise it."""
        raise {"MemoryError": MemoryError, "KeyboardInterrupt": KeyboardInterrupt, "BrokenPipeError": BrokenPipeError,
               "OSError": OSError, "OverflowError": OverflowError, "ImportError": ImportError,
               "ValueError": ValueError}[self.error]("first line\nsecond line")  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        ("ValueError", 1, "program: first line second line"),
        ("OSError", 1, "program: first line second line"),
        ("ImportError", 1, "program: first line second line"),
        ("OverflowError", 1, "program: first line second line"),
        ("MemoryError", 1, "program: not enough memory (first line second line)"),
        ("KeyboardInterrupt", 130, "program: interrupted"),
    ],
)
def test_a_failure_is_a_line_and_a_status(error: str, status: int, line: str, capsys) -> None:
    assert run(Raise, ["--error", error], prog="program") == status
    assert capsys.readouterr().err == line + "\n"


def test_sigterm_runs_what_cleans_up_and_ends_with_143(capsys) -> None:
    cleaned = []

    @dataclass
    class Long:
        def run(self) -> None:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    assert run(Long, [], prog="program") == 143
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().err == "program: terminated\n"


def test_bounds_are_those_of_every_value() -> None:
    @dataclass
    class Some:
        duration: Seconds = 1.0
        sizes: Counts = (1, 2)

    check(Some())
    with pytest.raises(ValueError, match=r"sizes = 0: expected a whole number from 1 to 1e9"):
        check(Some(sizes=(3, 0)))
    with pytest.raises(ValueError, match=r"duration = nan: expected seconds above 0"):
        check(Some(duration=float("nan")))


NUMBERS = {
    "fly": ("--seed", "--duration", "--moths"),
    "train inverse-model": ("--segments", "--step-scale", "--seed", "--levels", "--hidden"),
    "train policy": ("--steps", "--refining-steps", "--moths", "--segments", "--delay", "--seed", "--hidden"),
    "study": ("--networks", "--segments", "--step-scale", "--seed", "--seeds", "--workers", "--threshold", "--level",
              "--levels", "--hidden", "--weights"),
    "benchmark": ("--rows", "--baseline-rows", "--moths", "--batch", "--repeats", "--decisions", "--seed"),
}  # fmt: skip


def status(arguments: list[str]) -> object:
    """Of a command, whether it returns its status or leaves with it."""
    try:
        return main(arguments)
    except SystemExit as usage:
        return usage.code


@settings(deadline=None)  # a machine may be busy
@given(st.data())
def test_numbers_out_of_bounds_are_named(data) -> None:
    """Any number that is out of bounds, or none at all, is a line that names the option, or a usage error."""
    command = data.draw(st.sampled_from(sorted(NUMBERS)))
    option = data.draw(st.sampled_from(NUMBERS[command]))
    bad = st.one_of(
        st.floats(max_value=-1e-9), st.integers(max_value=-1), st.sampled_from(["nan", "inf", "1e400", "x"])
    )
    value = str(data.draw(bad))
    assert status([*command.split(), option, value]) in (1, 2)


def test_an_option_out_of_bounds_is_named(capsys) -> None:
    for arguments, line in (
        (["fly", "--seed", "-1"], "mothsim: seed = -1: expected a whole number from 0"),
        (["fly", "--angle", "inf"], "mothsim: angle = inf: expected a finite number"),
        (["fly", "--duration", "1e12"], "mothsim: duration = 1000000000000.0: expected seconds above 0, up to 1"),
        (["train", "inverse-model", "--step-scale", "inf"], "mothsim: step_scale = inf: expected a number above 0"),
        (["train", "policy", "--steps", str(10**13)], "mothsim: steps = 10000000000000: expected a whole number"),
        (["train", "policy", "--robust", "--engine", "jax"], "mothsim: engine = 'jax': expected numba, by which"),
        (["benchmark", "--rows", "0"], "mothsim: rows = 0: expected a whole number from 1"),
    ):
        assert main(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith(line)
        assert error.count("\n") == 1


def test_the_version(capsys) -> None:
    import mothsim

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mothsim {mothsim.__version__}\n"


@pytest.mark.parametrize(("name", "value"), [("NUMBA_NUM_THREADS", "0"), ("NUMBA_DISABLE_JIT", "1")])
def test_settings_of_numba_that_stop_the_engine_are_named(name: str, value: str) -> None:
    done = subprocess.run(
        [*MOTHSIM, "fly", "--duration", "0.1"], capture_output=True, text=True, env={**os.environ, name: value}
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"mothsim: {name} = ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_a_pipe_closed_at_once_is_a_line(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*MOTHSIM, *arguments], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 1
    assert done.stderr == "mothsim: standard output was closed before everything was written\n"


def test_closed_standard_error_leaves_standard_output_clean(tmp_path) -> None:
    """What would have gone to standard error goes nowhere, neither to standard output nor into a file."""
    line = f"{sys.executable} -m mothsim fly --controller lqr --trajectory hover --duration 0.1 --no-animation --json"
    done = subprocess.run(f"{line} --out {tmp_path} 2>&-", shell=True, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("{")
