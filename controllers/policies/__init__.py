"""Policies that fly alone: trained by the gradient through the flight, refined, pruned, and made robust."""
