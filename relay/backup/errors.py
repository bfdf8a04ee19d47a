"""What can go wrong with a backup."""

from relay.errors import RelayError


class BackupError(RelayError):
    """The backup cannot be made or used; the message says why and what to do."""
