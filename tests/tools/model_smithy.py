"""A model that is made of what is downloaded, for the tests of `python -m tools.models`."""

import random

from relay.models import MANIFEST, problems
from tests.tools.model_workshop import Workshop, record

RAW = random.Random(5).randbytes(200_000)
KEPT = b'{"kept": true}'
MADE = RAW[::-2]
RAW_FILES = {"raw.bin": RAW, "sub/kept.json": KEPT}
FILES = {"made.bin": MADE, "sub/kept.json": KEPT}


class Smith:
    """A maker that can be watched and disturbed."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: BaseException | None = None
        self.result = MADE

    def __call__(self, raw, made) -> None:
        self.calls += 1
        assert (raw / "raw.bin").read_bytes() == RAW
        (made / "made.bin").write_bytes(self.result[:100])
        if self.failure:
            raise self.failure
        (made / "made.bin").write_bytes(self.result)
        (made / "scrap").write_bytes(b"what a maker left lying about")


def table(files: dict[str, bytes] = FILES, raw: dict[str, bytes] = RAW_FILES) -> str:
    lists = [
        f"{key} = [{', '.join(record(path, data) for path, data in each.items())}]"
        for key, each in (("files", files), ("raw", raw))
    ]
    return "[bear]\n" + "\n".join(lists)


def describe(shop: Workshop, sources: str) -> None:
    shop.add(f'{table()}\nmade_by = "smith"\n{sources}', "bear")


def serve(shop: Workshop, files: dict[str, bytes]) -> None:
    shop.server.files = {f"/bear/{path}": data for path, data in files.items()}


def is_whole(shop: Workshop) -> bool:
    """Tell whether exactly the files are installed, and nothing unfinished is left."""
    folder = shop.models / "bear"
    there = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    left = [path for path in (shop.models / ".unfinished").rglob("*") if path.suffix != ".lock"]
    return there == FILES and problems(folder) == [] and left == []
