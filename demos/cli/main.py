"""The `mothsim` console command."""

from __future__ import annotations

import gc
import sys
from typing import Annotated

from tyro.conf import subcommand

import mothsim
from mothsim.demos.cli.benchmark import Benchmark
from mothsim.demos.cli.evaluate import Evaluate
from mothsim.demos.cli.export import Export
from mothsim.demos.cli.fly import Fly
from mothsim.demos.cli.import_keras import ImportKeras
from mothsim.demos.cli.list_names import ListNames
from mothsim.demos.cli.study import Study
from mothsim.demos.cli.train import Train
from mothsim.demos.cli.view import View
from mothsim.demos.cli.write_data import Data
from mothsim.demos.run import guarded, run

Command = (
    Annotated[Fly, subcommand("fly")]
    | Annotated[ListNames, subcommand("list")]
    | Annotated[View, subcommand("view")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Study, subcommand("study")]
    | Annotated[Data, subcommand("data")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Benchmark, subcommand("benchmark")]
    | Annotated[ImportKeras, subcommand("import")]
)

_DESCRIPTION = """Fly a simulated hawkmoth in closed loop; train, prune and compare its controllers.

`mothsim COMMAND --help` lists the options of a command, `mothsim --version` prints the version."""


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; returns the exit status, see `mothsim.demos.run.run`."""
    if (sys.argv[1:] if arguments is None else arguments) == ["--version"]:
        return guarded(lambda: print(f"mothsim {mothsim.__version__}"), "mothsim")
    return run(Command, arguments, prog="mothsim", description=_DESCRIPTION)


def entry() -> None:
    """Run the console script."""
    status = main()
    gc.freeze()  # or Python looks through all that was imported as it ends, which takes a quarter of a second
    sys.exit(status)


if __name__ == "__main__":
    entry()
