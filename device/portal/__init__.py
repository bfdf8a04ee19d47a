"""Set-up from a phone: the toy's own access point, and the one page it serves there."""
