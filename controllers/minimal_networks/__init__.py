"""The fewest weights that meet a requirement: the requirements, the search, and its figure."""
