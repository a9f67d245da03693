"""Masked networks: kinds of layers, populations of members, and single tickets."""
