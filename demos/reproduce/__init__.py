"""The programs that make the shipped networks and the published tables."""
