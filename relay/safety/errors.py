"""The filter's own error."""

from relay.errors import RelayError


class SafetyError(RelayError):
    """The filter cannot be trusted: its data are missing, altered or wrong, or a self-test failed.

    The relay must not start. The message says which file or check, and what to do.
    """
