"""Any torch model as a graph: what is traced, how it is walked, and what is left of it."""
