"""A relay that lets one toy in by its token, and nothing more: enough to see a hello."""

import contextlib
import json
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

TOKEN = "0123abcd.a-token-for-the-tests"
WELCOME = {
    "type": "welcome",
    "session": "0" * 12,
    "codec": "adpcm",
    "heartbeat_s": 10,
    "timeout_s": 25,
    "prebuffer_ms": 120,
    "max_listen_s": 30,
}


@contextlib.contextmanager
def welcoming_relay():
    """Yield the relay's address and the list of the hellos it has had."""
    hellos = []

    def handle(connection):
        if connection.request.headers["Authorization"] != f"Bearer {TOKEN}":
            connection.close(4401, "token unknown or revoked")
            return
        with contextlib.suppress(ConnectionClosed):
            for text in connection:
                message = json.loads(text) if isinstance(text, str) else {}
                if message.get("type") == "hello":
                    hellos.append(message)
                    connection.send(json.dumps(WELCOME))

    with serve(handle, "127.0.0.1", 0, subprotocols=["bramble.v1"], compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        yield f"ws://127.0.0.1:{port}/toy", hellos
        server.shutdown()
        thread.join(10)
