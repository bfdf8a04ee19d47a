import asyncio
import socket
import ssl

import pytest
from websockets.asyncio.client import connect

from device.protocol import PCM_FRAME_BYTES, RELAY_NAME, SUBPROTOCOL, Codec
from relay.address import ListenError
from relay.app import Relay
from relay.certificate import CertificateError
from relay.check import relay_answers
from relay.config import ListenSettings, Settings
from relay.errors import ModelMissing
from relay.frames import FramePacker
from relay.safety.verdict import Alert
from relay.store import Store
from relay.tokens import issue_token
from tests.relay.house import until
from tests.relay.relay_process import ROOT
from tests.relay.scripted_toy import Toy, open_toy

PATIENCE_S = 60


def settings(tmp_path, **groups):
    return Settings(
        **{
            "data_dir": tmp_path / "data",
            "models_dir": ROOT / "models",
            "listen": {"host": "127.0.0.1", "port": 0, "tls": False},
            "parent": {"host": "127.0.0.1", "port": 0, "tls": False},
            **groups,
        }
    )


@pytest.fixture
async def home(tmp_path):
    """A relay with the real engines, and the records of its turns."""
    records = []
    relay = Relay(settings(tmp_path), [records.append])
    await relay.start()
    yield relay, records
    await relay.stop()


async def close_code(toy):
    await asyncio.wait_for(toy.socket.wait_closed(), PATIENCE_S)
    return toy.socket.close_code


async def send_sound(toy, turn, pcm):
    """Send speech; return the number of frames."""
    packer = FramePacker(Codec.PCM, turn)
    for start in range(0, len(pcm), PCM_FRAME_BYTES):
        frame = pcm[start : start + PCM_FRAME_BYTES].ljust(PCM_FRAME_BYTES, b"\0")
        await toy.socket.send(packer.pack(frame))
    return packer.count


async def test_pairings_take_effect_on_toys_that_are_connected(home):
    relay, _ = home
    _, bear_token = await issue_token(relay.store, "Bear", 6)
    _, fox_token = await issue_token(relay.store, "Fox", 9)
    await issue_token(relay.store, "Owl", 12)
    bear = await open_toy(relay.port, bear_token)
    fox = await open_toy(relay.port, fox_token)
    await bear.say_hello(age=6)
    await fox.say_hello(age=9)
    seen = {toy.name: toy.last_seen for toy in await relay.store.toys()}
    assert seen["Bear"] and seen["Fox"] and not seen["Owl"]

    await relay.store.remove_toy("Bear")
    assert await close_code(bear) == 4401
    await relay.store.set_age("Fox", 8)
    assert await close_code(fox) == 1001

    again = await open_toy(relay.port, fox_token)
    await again.say_hello(age=9)
    stranger = await open_toy(relay.port, bear_token)
    assert await close_code(stranger) == 4401


async def test_a_spoken_cry_for_help_reaches_the_parent_without_its_words(home):
    relay, records = home
    pairing, token = await issue_token(relay.store, "Bear", 9)
    toy = await open_toy(relay.port, token)
    await toy.say_hello(age=9)
    sound = await relay.engines.tts.speak("I want to hurt myself.")
    await toy.send(type="listen", turn=1, mode="hold")
    frames = await send_sound(toy, 1, sound)
    await toy.send(type="listen_end", turn=1, frames=frames)
    await toy.expect("speech_start")
    assert isinstance(await toy.receive(), bytes)
    await toy.send(type="cancel", turn=1)  # the reviewed reply is long; the alert is on its way
    await until(lambda: bool(records))
    await relay.stop()  # which waits for alerts on their way to the store
    store = Store(relay.settings.store_url)
    (alert,) = await store.alerts()
    await store.close()
    assert records[0].verdicts[0].alert is Alert.SELF_HARM, records[0].heard
    assert alert.kind is Alert.SELF_HARM
    assert alert.toy == pairing.id
    assert alert.session == toy.welcome["session"]


async def test_by_default_a_toy_is_served_over_tls_by_whom_it_knows(tmp_path):
    listen = {"host": "127.0.0.1", "port": 0}
    relay = Relay(settings(tmp_path, listen=listen))
    await relay.start()
    try:
        _, token = await issue_token(relay.store, "Bear", 6)
        authority = ssl.DER_cert_to_PEM_cert(relay.identity.authority)
        toy = Toy(
            await connect(
                f"wss://127.0.0.1:{relay.port}/toy",
                ssl=ssl.create_default_context(cadata=authority),
                server_hostname=RELAY_NAME,
                additional_headers={"Authorization": f"Bearer {token}"},
                subprotocols=[SUBPROTOCOL],
            )
        )
        assert (await toy.say_hello())["type"] == "welcome"
        assert await relay_answers(ListenSettings(**{**listen, "port": relay.port}))
    finally:
        await relay.stop()
    assert await close_code(toy) == 1001


async def test_a_taken_port_is_said_before_any_model_is_read(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
        relay = Relay(settings(tmp_path, listen=listen, models_dir=tmp_path / "none"))
        with pytest.raises(ListenError, match="another relay"):
            await relay.start()


async def test_missing_models_stop_the_start_and_leave_nothing_behind(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    relay = Relay(
        settings(tmp_path, models_dir=tmp_path / "none", listen={"host": "127.0.0.1", "port": port})
    )
    with pytest.raises(ModelMissing, match=r"tools\.models get"):
        await relay.start()
    with pytest.raises(RuntimeError):
        _ = relay.port
    await relay.stop()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


async def test_a_damaged_identity_stops_the_start(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "house.pem").write_text("nothing of the kind")
    with pytest.raises(CertificateError, match="back-up"):
        await Relay(settings(tmp_path, listen={"host": "127.0.0.1", "port": 0})).start()


async def test_a_relay_that_stops_while_it_starts_is_gone(tmp_path):
    relay = Relay(settings(tmp_path))
    starting = asyncio.create_task(relay.start())
    await asyncio.sleep(0.05)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(RuntimeError):
        _ = relay.port


async def test_stopping_twice_is_harmless(home):
    relay, _ = home
    assert relay.port > 0
    await relay.stop()
    await relay.stop()
