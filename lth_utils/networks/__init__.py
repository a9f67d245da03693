"""Masked networks: layers, populations of members, and single tickets."""
