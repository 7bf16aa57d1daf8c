"""The flight viewer: one HTML page that plays flights side by side and needs nothing else."""
