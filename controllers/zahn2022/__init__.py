"""The pruning study of Zahn et al. 2022: many networks trained and pruned side by side, and the paper's figures."""
