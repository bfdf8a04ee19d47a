"""TLS for `connect`: trust one certificate, the relay's own, and nothing else."""

import ssl


def make_context(certificate):
    """Return an SSLContext that accepts only servers proven by `certificate`, in DER bytes.

    DER because PEM fails on some builds ("invalid cert"). Raises ValueError when it is damaged.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate)
    return context
