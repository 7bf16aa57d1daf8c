"""Training and pruning of networks. JAX is imported where it is used."""
