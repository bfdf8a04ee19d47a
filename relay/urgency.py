"""How urgent a piece of work is for an engine that many toys share: the lower, the sooner."""

import enum


class Urgency(enum.IntEnum):
    """What a job's result is needed for."""

    FIRST_SENTENCE = 0
    """A child waits in silence: recognising a finished question, the first words of its answer."""

    LATER = 1
    """Needed soon, while something is already heard: later sentences."""

    SPECULATIVE = 2
    """Work on what a child has perhaps finished saying; thrown away when the child goes on."""

    BACKGROUND = 3
    """Work that only saves time later, and may be left out altogether."""

    @property
    def patience_s(self) -> float:
        """How long such a job lets later, more urgent ones pass: then it is as urgent as any."""
        # A toy holds some sound that it can play meanwhile; a guess is confirmed within a second.
        return (0.0, 0.5, 1.0, 4.0)[self]
