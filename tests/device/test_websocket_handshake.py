"""The WebSocket opening handshake on CPython: what is asked, and which answers will do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.websocket.errors import HandshakeError
from device.websocket.handshake import accept_for, check_response, make_key, make_request


def test_the_handshake_example_of_the_standard() -> None:
    """RFC 6455 section 1.3."""
    assert make_key(b"the sample nonce") == "dGhlIHNhbXBsZSBub25jZQ=="
    assert accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def answer(status: str = "101 Switching Protocols", **changed: str | None) -> bytes:
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept_for("key"),
        "Sec-WebSocket-Protocol": "bramble.v1",
    }
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    "head",
    [
        answer(),
        answer(Upgrade="WebSocket", Connection="keep-alive, upgrade"),
        answer(status="101"),
        answer(Server="Python/3.11 websockets/14"),
    ],
)
def test_good_answers_open_the_connection(head: bytes) -> None:
    check_response(memoryview(head), "key", "bramble.v1")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (answer(status="401 Unauthorized"), 401),
        (answer(status="503 Service Unavailable"), 503),
        (answer(Upgrade="h2c"), 101),
        (answer(Upgrade=None), 101),
        (answer(Connection="close"), 101),
        (answer(Sec_WebSocket_Accept=accept_for("other")), 101),
        (answer(Sec_WebSocket_Accept=None), 101),
        (answer(Sec_WebSocket_Protocol=None), 101),
        (answer(Sec_WebSocket_Protocol="other"), 101),
        (answer(Sec_WebSocket_Extensions="permessage-deflate"), 101),
        (answer(sec_websocket_accept=accept_for("key")), 101),  # twice
        (answer(**{f"X-{number}": "" for number in range(40)}), 101),
        (answer(**{"Bad name": "x"}).replace(b"Bad name", b" folded"), 101),
        (answer().replace(b"Upgrade: websocket", b"Upgrade"), 101),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 0),
        (b"HTTP/1.0 101 x\r\n\r\n", 0),
        (b"HTTP/1.1 1o1 x\r\n\r\n", 0),
        (b"\r\n\r\n", 0),
        (b"\xff\xfe\r\n\r\n", 0),
    ],
)
def test_other_answers_are_refused(head: bytes, status: int) -> None:
    with pytest.raises(HandshakeError) as caught:
        check_response(memoryview(head), "key", "bramble.v1")
    assert caught.value.status == status


@given(st.binary(max_size=200))
def test_no_answer_does_more_than_raise_a_handshake_error(noise: bytes) -> None:
    for front in (b"", b"HTTP/1.1 ", b"HTTP/1.1 101 x\r\n"):
        head = front + noise + b"\r\n\r\n"
        with pytest.raises(HandshakeError):
            check_response(memoryview(head), "key", "bramble.v1")


def test_the_request_carries_everything_and_nothing_smuggled() -> None:
    key = make_key(bytes(16))
    token = ("Authorization", "Bearer t0ken")
    request = make_request("relay.local", 8765, "/toy", key, (token,), "bramble.v1").decode()
    lines = request.split("\r\n")
    assert lines[0] == "GET /toy HTTP/1.1"
    assert lines[-2:] == ["", ""]
    assert {"Host: relay.local:8765", "Authorization: Bearer t0ken"} <= set(lines)
    assert "Host: [::1]:80" in make_request("::1", 80, "/", key, (), None).decode()
    for bad in ("x\r\nEvil: 1", "x\n", "gesch\u00fctzt"):
        with pytest.raises(ValueError) as caught:
            make_request("relay", 80, "/", key, (("Authorization", "Bearer " + bad),), None)
        assert bad not in str(caught.value)
