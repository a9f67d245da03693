"""Pruned models made really smaller, with the same outputs."""

from lth_utils.networks.compaction.compact import compact

__all__ = ["compact"]
