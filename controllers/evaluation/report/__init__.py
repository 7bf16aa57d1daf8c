"""Output of an evaluation: the headline table, the pictures and the HTML report."""
