"""Model predictive control by sampling: MPPI, the cross-entropy method, random shooting, Bustamante et al. 2022."""
