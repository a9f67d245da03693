"""Training through one door, ``trainer.train``, and the engines behind it."""
