"""Get, list and check the models that the relay listens, thinks and speaks with."""
