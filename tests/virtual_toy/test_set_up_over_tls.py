"""Set-up for a relay with a certificate of its own: the right one is accepted, another is not."""

import asyncio
import json
import ssl

import httpx
import numpy as np

from relay.certificate import load_identity
from tests.virtual_toy.scripted_relay import ScriptedRelay
from tools.virtual_toy import Look, VirtualToy


async def send_form(toy, **changed):
    """Fill in the page and return the first one that is no longer about trying."""
    fields = {"ssid": "home", "password": "correct horse", "token": "a.token"}
    fields |= {"age": "7", "ceiling": "80", **changed}
    async with httpx.AsyncClient() as phone:
        page = await phone.post(toy.setup.url + "try", data=fields)
        for _ in range(60):
            if 'id="trying"' not in page.text:
                return page.text
            await asyncio.sleep(0.5)
            page = await phone.get(toy.setup.url)
    raise AssertionError("it tried for ever")


async def test_the_certificate_decides(tmp_path):
    made = load_identity(tmp_path / "true", hosts=[])
    other = load_identity(tmp_path / "false", hosts=[])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.certificate)
    async with (
        ScriptedRelay(np.zeros(320, np.int16), ssl=tls) as relay,
        VirtualToy(relay_url=relay.url, token="unused", settings="") as toy,
    ):
        await toy.wait_for_look(Look.SET_UP)
        page = await send_form(toy, relay=relay.url)
        assert "needs the relay&#39;s certificate" in page
        page = await send_form(toy, relay=relay.url, certificate=other.for_toy)
        assert "not the relay that the toy was told to trust" in page
        assert toy.saved_settings is None
        page = await send_form(toy, relay=relay.url, certificate=made.for_toy)
        assert 'id="done"' in page
        assert json.loads(toy.saved_settings)["relay_certificate"] == made.for_toy
        await toy.wait_until_ready(60)
