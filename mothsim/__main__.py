"""`python -m mothsim` is the `mothsim` command."""

from importlib import import_module

if __name__ == "__main__":
    import_module("mothsim.demos.cli.main").entry()
