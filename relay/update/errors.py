"""Why an update could not be made, sent or kept."""

from relay.errors import RelayError


class UpdateError(RelayError):
    """The update has failed for good; the message says why and what to do, in plain words."""


class LinkBroken(RelayError):
    """The toy has gone in the middle; it goes on where it was when the toy is back."""


class Withdrawn(RelayError):
    """A grown-up has taken the request back."""
