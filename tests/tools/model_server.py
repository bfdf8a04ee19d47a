"""A web server for downloads, with the faults that real ones have."""

import enum
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Fault(enum.Enum):
    """What goes wrong with an answer."""

    BREAK_OFF = "the connection ends in the middle"
    UNAVAILABLE = "503"
    NO_RANGES = "ranges are ignored"
    WRONG = "other bytes, as many"
    TOO_MUCH = "more bytes than there should be"


class ModelServer:
    """Serves `files`, path to bytes; `faults` are used up one for each request of a path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[tuple[str, str | None]] = []  # path, Range
        self.address = ""

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append((handler.path, wanted))
        if handler.path not in self.files:
            handler.send_error(404)
            return
        data = self.files[handler.path]
        faults = self.faults.get(handler.path)
        fault = faults.pop(0) if faults else None
        if fault is Fault.UNAVAILABLE:
            handler.send_error(503)
            return
        if fault is Fault.WRONG:
            data = bytes(each ^ 0xFF for each in data)
        if fault is Fault.TOO_MUCH:
            data += b"more"
        start = 0
        if wanted and fault is not Fault.NO_RANGES:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if start >= len(data):
                handler.send_error(416)
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            handler.send_response(200)
        body = data[start:]
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault is Fault.BREAK_OFF:
            body = body[: len(body) // 2]
        handler.wfile.write(body)


@contextmanager
def serving() -> Iterator[ModelServer]:
    server = ModelServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_args) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        server.address = f"http://127.0.0.1:{listener.server_port}"
        yield server
        listener.shutdown()
        thread.join()
