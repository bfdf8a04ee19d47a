"""What `python -m relay COMMAND` does, one file a group of commands.

Each command takes the parsed arguments and the settings and returns the exit code; what a person
may have done wrong is raised as RelayError, which the command line prints without a traceback.
"""

import argparse
from collections.abc import Callable

from relay.config import Settings

Command = Callable[[argparse.Namespace, Settings], int]
