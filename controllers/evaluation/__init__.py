"""Evaluation of many controllers on many flights: tracking error against sparsity."""
