"""Teach the safety classifiers from the exemplars of relay/safety/exemplars."""
