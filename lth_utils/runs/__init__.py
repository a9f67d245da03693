"""Runs on disk: sweeps that compute them, the store that keeps them, tickets taken from them."""
