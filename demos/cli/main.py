"""The `mothsim` console command: one subcommand a file."""

from __future__ import annotations

import sys
from typing import Annotated

import tyro
from tyro.conf import subcommand

from mothsim.demos.cli.benchmark import Benchmark
from mothsim.demos.cli.evaluate import Evaluate
from mothsim.demos.cli.fly import Fly
from mothsim.demos.cli.import_keras import ImportKeras
from mothsim.demos.cli.study import Study
from mothsim.demos.cli.train import Train

Command = (
    Annotated[Fly, subcommand("fly")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Study, subcommand("study")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Benchmark, subcommand("benchmark")]
    | Annotated[ImportKeras, subcommand("import")]
)


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; returns 0, or 1 where it could not be done (2, from tyro, where it was misused)."""
    command = tyro.cli(Command, prog="mothsim", description=__doc__, args=arguments)  # pyright: ignore[reportCallIssue]
    try:
        command.run()
    except (ValueError, OSError) as error:
        print(f"mothsim: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mothsim: interrupted", file=sys.stderr)
        return 1
    return 0


def entry() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
