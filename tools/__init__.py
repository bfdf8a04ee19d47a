"""Command-line tools for parents and engineers; each is `python -m tools.NAME --help`."""
