"""What can go wrong with a WebSocket, as types; all derive from `WebSocketError`."""


class CloseCode:
    """Close codes of RFC 6455 section 7.4.1 that this client sends or reports."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    NO_STATUS = 1005  # never sent: the peer closed without a code
    ABNORMAL = 1006  # never sent: the connection was lost without a close frame
    INVALID_DATA = 1007
    TOO_BIG = 1009


class WebSocketError(Exception):
    """Anything that this package raises beside OSError."""


class HandshakeError(WebSocketError):
    """The server did not open a WebSocket; `status` is its HTTP status, 0 if there was none."""

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status


class CertificateError(WebSocketError):
    """The server's certificate is not the expected one: the wrong relay, or an attacker."""


class ProtocolError(WebSocketError):
    """The peer broke RFC 6455 or our limits; `code` is the close code that tells it so."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code
        self.reason = reason


class ConnectionClosed(WebSocketError):
    """The connection has ended; `code` and `reason` are the peer's, or 1006 and what happened."""

    def __init__(self, code, reason=""):
        super().__init__("%d %s" % (code, reason))
        self.code = code
        self.reason = reason
