"""Train a network for the machine that will run it."""
