"""How long networks fly open loop, on their own predictions: `python -m mothsim.demos.reproduce.open_loop_chain`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from mothsim.controllers.networks.storage import find_network, load_network, shipped_networks
from mothsim.controllers.zahn2022.prediction_chain import OFF, chain_table, predicts
from mothsim.demos.options import Count, Seed
from mothsim.demos.run import run as run_program


@dataclass
class OpenLoopChain:
    """Print, by sparsity, after how many segments a network flown open loop is 1 cm off its path."""

    networks: tuple[str, ...] = ()
    """Names of shipped networks, files, or folders with files in them; by default all shipped ones that predict."""
    starts: Count = 100
    """Number of chains of each network."""
    seed: Seed = 0
    """Seed of the starts."""

    def run(self) -> None:
        """Fly, and print a table."""
        files: dict[str, str] = {}
        if not self.networks:
            files = {name: name for name, file in shipped_networks().items() if predicts(load_network(file))}
        for name in self.networks:
            inside = sorted(Path(name).glob("*.safetensors")) if Path(name).is_dir() else []
            files |= {str(file): file.stem for file in inside} or {name: Path(name).stem}
        named = [(name, find_network(file)) for file, name in files.items()]
        print(f"{'network':<14} {'weights':>8} {'sparsity':>8}  segments until {OFF:g} cm off (quartiles)")
        for row in chain_table(named, self.starts, self.seed):
            ends = f"{row['segments']:g} ({row['segments_low']:g} to {row['segments_high']:g})"
            print(f"{row['network']:<14} {row['weights']:8,} {row['sparsity']:8.2%}  {ends}")


if __name__ == "__main__":
    sys.exit(run_program(OpenLoopChain, prog="open_loop_chain"))
