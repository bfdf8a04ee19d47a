# path: tools/virtual_toy/board
"""The set-up as a whole, on the virtual board: opening, serving, ending."""

import asyncio
import sys

import _host
import _wire
import network
import usocket

from device import settings
from device.backoff import random_below
from device.boards import find_board
from device.light import Look
from device.portal import portal, server, trial
from device.portal.key import KEY_LETTERS, load_key, toy_name
from device.portal.portal import Portal, Stage
from device.ui import Light
from tests.device.check import equal, raises_async

PAW = find_board().paw
FORM = b"ssid=home&password=correct+horse&relay=ws://127.0.0.1:9&token=a.token&age=7&ceiling=80"


class Bench:
    """A toy that is being set up, and a phone."""

    def __init__(self, ready=False, **fields):
        _host.world["state_folder"] = "."
        _host.world["wifi"].update({"scan_ms": 20, "connect_ms": 50, "fail_ms": 50, "phones": 0})
        self.page_port = 20000 + random_below(6000)
        self.names_port = 26000 + random_below(6000)
        _host.world["ports"] = {"80": self.page_port, "53": self.names_port}
        _host.set_level(PAW, 1)
        self.radio = []
        _host.listeners.append(self._listen)
        board = find_board()
        self.light = Light(board)
        self.portal = Portal(board, self.light, fields, ready)

    def _listen(self, kind, number, payload):
        if kind == _wire.WIFI:
            self.radio.append(bytes(payload).decode())

    async def open(self):
        self.running = asyncio.create_task(self.portal.run())
        await self.until(lambda: self.light._look == Look.SET_UP)

    async def until(self, condition):
        for _ in range(800):
            if condition():
                return
            if self.running.done():
                await self.running
            await asyncio.sleep_ms(10)
        raise AssertionError("it never came about")

    async def ends(self):
        """Wait for the end; return what run() returned."""
        return await asyncio.wait_for(self.running, 8)

    def connect(self):
        phone = usocket.socket()
        phone.connect(usocket.getaddrinfo("127.0.0.1", self.page_port)[0][-1])
        phone.setblocking(False)
        return asyncio.StreamReader(phone)

    async def ask(self, request):
        """Send a request; return the whole answer."""
        stream = self.connect()
        stream.out_buf = request
        await stream.drain()
        answer = await asyncio.wait_for(stream.read(-1), 8)
        await stream.wait_closed()
        return answer.decode()

    async def get(self, path="/"):
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def post(self, path, body=b""):
        head = f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n"
        kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        return await self.ask(head.encode() + kind + body)

    async def squeeze(self, ms):
        _host.set_level(PAW, 0)
        await asyncio.sleep_ms(ms)
        _host.set_level(PAW, 1)
        await asyncio.sleep_ms(200)


def forget_tests_settings():
    settings.save = lambda fields: saved.append(dict(fields))
    saved = []
    return saved


async def test_the_access_point_is_locked_and_opens_after_the_scan():
    bench = Bench()
    await bench.open()
    access_point = network.WLAN(network.AP_IF)
    assert access_point.active()
    config = access_point._config
    equal((config["ssid"], config["security"]), (toy_name(), network.AUTH_WPA2_PSK))
    equal(len(config["key"]), KEY_LETTERS)
    equal(config["key"], load_key())
    assert bench.radio.index("scan") < bench.radio.index("access point on"), bench.radio
    # Named and locked in one go, and nothing else before.
    shown = [said for said in bench.radio if "security" in said]
    equal(shown, [f"access point {toy_name()} security {network.AUTH_WPA2_PSK}"])
    equal(sys.modules.get("device.audio.microphone"), None)
    bench.running.cancel()


async def test_the_key_stays_the_same():
    network.WLAN(network.STA_IF).active(True)
    Bench()
    equal(load_key(), load_key())


async def test_it_closes_by_itself():
    portal.OPEN_MS = 300
    bench = Bench()
    await bench.open()
    equal(await bench.ends(), False)
    equal(network.WLAN(network.AP_IF).active(), False)
    equal(bench.radio[-1], "access point off")


async def test_a_form_keeps_it_open():
    portal.OPEN_MS = 1500
    bench = Bench()
    await bench.open()
    await asyncio.sleep_ms(900)
    assert "problems" in await bench.post("/try", b"age=7")
    await asyncio.sleep_ms(900)
    equal(bench.running.done(), False)
    equal(await bench.ends(), False)


async def test_a_squeeze_gives_the_child_its_toy_back():
    bench = Bench(ready=True)
    await bench.open()
    await bench.squeeze(150)
    equal(await bench.ends(), True)


async def test_a_squeeze_does_not_drive_a_phone_away():
    bench = Bench(ready=True)
    await bench.open()
    _host.world["wifi"]["phones"] = 1
    await bench.squeeze(150)
    equal(bench.running.done(), False)
    bench.running.cancel()


async def test_a_squeeze_leaves_no_toy_without_settings():
    bench = Bench(ready=False)
    await bench.open()
    await bench.squeeze(150)
    equal(bench.running.done(), False)
    bench.running.cancel()


async def test_pages_of_others_lead_to_the_toy_s():
    bench = Bench()
    await bench.open()
    for path in ("/generate_204", "/hotspot-detect.html", "/connecttest.txt", "/x?y=z"):
        answer = await bench.get(path)
        assert answer.startswith("HTTP/1.1 302 Found\r\n"), answer
        assert "\r\nLocation: http://192.168.4.1/\r\n" in answer, answer
    head = await bench.ask(b"HEAD / HTTP/1.1\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n") and head.endswith("\r\n\r\n"), head
    bench.running.cancel()


async def test_names_are_answered():
    bench = Bench()
    await bench.open()
    phone = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    toy = usocket.getaddrinfo("127.0.0.1", bench.names_port)[0][-1]
    phone.setblocking(False)
    question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\2bc\0\0\1\0\1"
    for datagram in (b"nonsense", question):
        phone.sendto(datagram, toy)
    for _ in range(100):
        await asyncio.sleep_ms(20)
        try:
            answer = phone.recv(512)
            break
        except OSError:
            pass
    equal(answer[:2] + answer[-4:], b"\x12\x34\xc0\xa8\x04\x01")
    bench.running.cancel()


async def test_bad_requests_get_their_status():
    bench = Bench()
    await bench.open()
    for request, status in (
        (b"nonsense\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 2100 + b"\r\n", 431),
    ):
        answer = await bench.ask(request)
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
    assert (await bench.post("/try", b"a=%")).startswith("HTTP/1.1 400 ")
    assert "<form" in await bench.get()
    bench.running.cancel()


async def test_connections_that_say_nothing_lock_nobody_out():
    """Browsers open some in advance."""
    bench = Bench()
    await bench.open()
    silent = []
    for _ in range(server.MOST_CONNECTIONS + 3):
        silent.append(bench.connect())
        await asyncio.sleep_ms(30)  # to be accepted
    for _ in range(3):
        assert "<form" in await bench.get()
    for stream in silent:
        await stream.wait_closed()
    bench.running.cancel()


async def test_a_connection_that_says_nothing_is_closed():
    server.TIMEOUT_S = 1
    bench = Bench()
    await bench.open()
    equal(await asyncio.wait_for(bench.connect().read(-1), 8), b"")
    assert "<form" in await bench.get()
    bench.running.cancel()


async def test_nothing_is_kept_that_failed_unless_somebody_says_so():
    saved = forget_tests_settings()
    portal.ANSWER_MS = 10
    portal.FAREWELL_MS = 200
    bench = Bench()
    await bench.open()
    await bench.post("/keep")  # nothing was tried yet
    assert "trying" in await bench.post("/try", FORM)
    assert "trying" in await bench.get()
    await bench.post("/try", FORM)  # the phone asks twice: one trial is enough
    await bench.until(lambda: bench.portal.stage == Stage.FAILED)
    equal(bench.radio.count("connect"), 1)
    equal(saved, [])
    page = await bench.get()
    assert "relay cannot be reached" in page
    assert "correct horse" not in page and "a.token" not in page
    assert "are saved" in await bench.post("/keep")
    equal(await bench.ends(), True)
    equal(len(saved), 1)
    equal(saved[0]["relay"], "ws://127.0.0.1:9/toy")


async def test_a_full_flash_is_no_crash():
    def fail(_):
        raise OSError(28)

    settings.save = fail
    portal.ANSWER_MS = 10
    bench = Bench()
    await bench.open()
    await bench.post("/try", FORM)
    await bench.until(lambda: bench.portal.stage == Stage.FAILED)
    assert "could not write" in await bench.post("/keep")
    equal(bench.running.done(), False)
    bench.running.cancel()


async def test_a_request_that_fails_is_only_that_request():
    bench = Bench()
    await bench.open()
    found, bench.portal._found = bench.portal._found, None  # no page can be made of this
    await bench.get()
    bench.portal._found = found
    assert "<form" in await bench.get()
    bench.running.cancel()


async def test_a_trial_that_fails_in_an_unforeseen_way_ends_it():
    async def fail(*_):
        raise ZeroDivisionError

    trial.attempt = fail
    portal.ANSWER_MS = 10
    bench = Bench()
    await bench.open()
    await bench.post("/try", FORM)
    await raises_async(ZeroDivisionError, bench.ends())
    equal(network.WLAN(network.AP_IF).active(), False)
