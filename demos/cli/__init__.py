"""The `mothsim` command, one subcommand a file."""
