"""Guidance: linear-quadratic tracking of a feasible flight along the target."""
