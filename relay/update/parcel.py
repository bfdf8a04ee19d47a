"""A bundle as it travels to one toy: its manifest, signed with that toy's key."""

import hashlib
import hmac
from collections.abc import Mapping

from device.update.authentic import PURPOSE
from device.update.manifest import MOST_BYTES, MOST_FILES, TITLE, version_of
from relay.update.bundle import Bundle
from relay.update.errors import UpdateError

MANIFEST = "manifest.new"  # what a toy calls it while it arrives


def update_key(token_digest: bytes) -> bytes:
    """Return the key that signs updates for the toy whose token's secret has this SHA-256.

    The store keeps the digest and not the token, and the toy can make the digest from its token.
    So nothing new has to be shared, and each toy has a key of its own. Who can read the store can
    sign updates, but can run the relay just as well; who knows the key still cannot log in as the
    toy, for that takes the secret itself.
    """
    return hmac.digest(token_digest, PURPOSE, "sha256")


class Parcel:
    """One update for one toy. `replaces` is the toy's version when the new one is not newer.

    UpdateError if the bundle is larger than a toy takes, or has no proper version.
    """

    def __init__(self, bundle: Bundle, key: bytes, replaces: str | None = None) -> None:
        try:
            version_of(bundle.version)
        except ValueError as error:
            raise UpdateError(f"the firmware's version cannot be used: {error}") from error
        self.version = bundle.version
        self.manifest = _manifest(bundle, replaces)
        if len(self.manifest) > MOST_BYTES or len(bundle.files) > MOST_FILES:
            raise UpdateError("the firmware has more files than a toy takes")
        self.mac = hmac.digest(key, self.manifest, "sha256")
        self._files: Mapping[str, bytes] = {MANIFEST: self.manifest, **bundle.files}
        self._before: dict[str, int] = {}
        self.size = 0
        for path, data in self._files.items():
            self._before[path] = self.size
            self.size += len(data)

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of a file; UpdateError if there are none at that place."""
        data = self._files.get(path, b"")[offset : offset + size] if offset >= 0 else b""
        if not data:
            raise UpdateError("the toy asks for something that is not in the update")
        return data

    def pieces(self, size: int) -> int:
        """Return how many pieces of `size` bytes the whole parcel has; none crosses files."""
        return sum(-(-len(data) // size) for data in self._files.values())

    def done(self, path: str, offset: int) -> int:
        """Return how many bytes are behind a toy that asks for `offset` of `path`."""
        return self._before[path] + offset


def _manifest(bundle: Bundle, replaces: str | None) -> bytes:
    lines = [TITLE, f"version {bundle.version}", f"mpy {bundle.mpy}"]
    if replaces is not None:
        lines.append(f"replaces {replaces}")
    lines.append("")
    for path, data in bundle.files.items():
        lines.append(f"{hashlib.sha256(data).hexdigest()} {len(data)} {path}")
    return "".join(f"{line}\n" for line in lines).encode("ascii")
