"""What an evaluation shows: the headline table, the plots and the HTML report."""
