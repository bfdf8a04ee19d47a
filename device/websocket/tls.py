"""TLS for `connect`: trust what one certificate vouches for, the relay's own, and nothing else."""

import ssl


def make_context(certificate):
    """Return an SSLContext that accepts only servers proven by `certificate`, in DER bytes.

    DER because PEM fails on some builds ("invalid cert"). Raises ValueError when it is damaged.
    None accepts everybody: only for what is no secret, as in device.pairing.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if certificate is None:
        context.verify_mode = ssl.CERT_NONE
        return context
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate)
    return context
