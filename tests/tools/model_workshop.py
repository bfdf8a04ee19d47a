"""A catalogue, a models folder and a server, for the tests of `python -m tools.models`."""

import hashlib
import io
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

from relay.models import problems
from tests.tools.model_server import ModelServer
from tools.models.__main__ import main
from tools.models.catalogue import load
from tools.models.download import client
from tools.models.install import Installer

BIG = bytes(range(256)) * 1500
SMALL = b'{"small": true}'


def record(path: str, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f'{{ path = "{path}", size = {len(data)}, sha256 = "{digest}" }}'


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def make_wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    meta = f"{name}-1.0.dist-info"
    contents = {
        f"{meta}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{meta}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{meta}/RECORD": b"",
        **members,
    }
    (folder / f"{name}-1.0-py3-none-any.whl").write_bytes(zipped(contents))


class Workshop:
    """A catalogue, a models folder and a server."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.server = server
        self.models = folder / "models"
        self.catalogue = folder / "models.toml"
        self.catalogue.write_text("")

    def describe(self, sources: str, *, name: str = "bear", extra: str = "") -> None:
        files = f"{record('big.bin', BIG)}, {record('sub/small.json', SMALL)}"
        self.add(f"[{name}]\nfiles = [{files}]\n{extra}\n{sources}", name)

    def add(self, table: str, name: str) -> None:
        head, _, rest = table.partition("\n")
        facts = 'kind = "llm"\ntitle = "A bear"\nlicence = "MIT"\n'
        self.catalogue.write_text(self.catalogue.read_text() + f"{head}\n{facts}{rest}\n")

    def web(self, *, name: str = "bear", address: str | None = None) -> str:
        return f'[[{name}.sources]]\nweb = "{address or self.server.address + "/bear"}"\n'

    def run(self, *arguments: str) -> int:
        return main(
            ["--models-dir", str(self.models), "--catalogue", str(self.catalogue), *arguments]
        )

    def install(self, name: str, changed: Callable[[int, int], object]) -> bool:
        """Get one model and hear the progress that `run` shows."""
        with client() as http:
            return Installer(self.models, http).get(load(self.catalogue)[name], changed)

    def is_whole(self, name: str = "bear") -> bool:
        folder = self.models / name
        return (
            problems(folder) == []
            and (folder / "big.bin").read_bytes() == BIG
            and (folder / "sub/small.json").read_bytes() == SMALL
        )
