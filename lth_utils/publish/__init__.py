"""Notebooks executed, products written, and the gallery of a set."""
