"""Give back the memory of modules that are needed now and then: import them, use them, unload them.

Bytecode lives in the heap on the ESP32. A module goes when nothing refers to it: neither
`sys.modules`, nor its package, nor a function or class of it that somebody still holds.
"""

import sys


def unload(*names):
    """Forget modules, such as "device.portal.page"; the next import loads them anew."""
    for name in names:
        sys.modules.pop(name, None)
        package, _, leaf = name.rpartition(".")
        holder = sys.modules.get(package)
        if holder is not None and hasattr(holder, leaf):
            delattr(holder, leaf)
