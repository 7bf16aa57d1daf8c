"""The engine: propagates many moths over one segment of constant control, in numba and in JAX."""
