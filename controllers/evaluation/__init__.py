"""Many controllers on many flights: sparsity versus tracking error."""
