"""What the board does when power comes: boot.py, then main.py, both in this interpreter.

As in ports/esp32/main.c, main.py does not run when boot.py has failed, an error is printed and
does not end the machine, and SystemExit starts the interpreter again.
"""

import os
import sys

_board = sys.path[0]
sys.path[:] = [_board, "", ".frozen", "lib"]

import _host
import _wire

_host.wait_for_world()
_host.send(_wire.BOOTED)


def _exists(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True


for _name in ("boot.py", "main.py"):
    if _exists(_name):
        try:
            execfile(_name)  # noqa: F821
        except SystemExit:
            _host.send(_wire.RESET, 1)
            _host.lose_power()
        except Exception as _error:
            sys.print_exception(_error)
            break
