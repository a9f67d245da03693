"""The sparse engine, for the CPU: one member at a time, at a cost per unpruned weight."""
