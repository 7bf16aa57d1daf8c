"""Learned inverse models: network, data, training, pruning and storage. JAX is imported where it is used."""
