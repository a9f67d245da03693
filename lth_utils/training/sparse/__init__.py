"""The CPU engine: one member at a time, at a cost per unpruned weight."""
