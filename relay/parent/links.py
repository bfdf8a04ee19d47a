"""One-time links, as they are printed on the relay's own computer, and what to compare with."""

import hashlib
import ssl
from pathlib import Path

from relay.address import page_address
from relay.config import ParentSettings
from relay.parent.welcome import LINK
from relay.store import Store
from relay.store.households import Households
from relay.store.invitations import InvitationKind, Invitations
from relay.store.parents import Parents


async def first_link(store: Store, settings: ParentSettings, port: int) -> str | None:
    """Return a new link that makes the first account, None once there is one. StoreError."""
    if await Parents(store.database).exist():
        return None
    home = await Households(store.database).home()
    secret = await Invitations(store.database).make(home.id, InvitationKind.FIRST)
    return f"{page_address(settings, port)}{LINK}/{secret}"


def shown_fingerprint(certificate: Path) -> str:
    """Return the SHA-256 of the certificate in a PEM file as browsers show it: AB:CD:..."""
    text = certificate.read_text(encoding="ascii")
    end = text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)
    der = ssl.PEM_cert_to_DER_cert(text[text.index(ssl.PEM_HEADER) : end])
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(der).digest())
