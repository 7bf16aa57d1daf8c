"""The programs: the `mothsim` command, examples, benchmarks, and what reproduces the published results."""
