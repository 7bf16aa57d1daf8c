"""Neural networks: their weights, their files, and their inference from sparse weights."""
