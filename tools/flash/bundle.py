"""The firmware as it goes on the flash: compiled for the chip, in the order it is to be copied."""

from pathlib import Path

from relay.update.compiler import FOLDER, compile_firmware
from relay.update.errors import UpdateError
from tools.check_device import ARCHITECTURE, ROOT
from tools.flash.errors import FlashError

# MicroPython runs these two by name, as source; main.py last, so that half a copy never starts.
STARTERS = ("boot.py", "main.py")


def make_bundle(output: Path, architecture: str = ARCHITECTURE, root: Path = ROOT) -> list[Path]:
    """Compile the firmware under `root` into the folder `output`.

    Returns the paths below `output`, in the order they are to be copied; data files (sounds) go
    along as they are. FlashError names the file that does not compile.
    """
    try:
        files = compile_firmware(architecture, root / FOLDER)
    except UpdateError as error:
        raise FlashError(str(error)) from error
    files |= {name: (root / name).read_bytes() for name in STARTERS}
    for name, content in files.items():
        target = output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return [Path(name) for name in files]
