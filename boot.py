"""Make the application importable before main.py starts it.

There is one application slot, the root of the flash, so there is nothing to choose yet; when
updates bring a second slot, the choice between them belongs here.
"""

import sys

SLOT = ""  # the current directory, which is the root of the flash

if SLOT not in sys.path:
    sys.path.insert(0, SLOT)
