# path: tools/virtual_toy/board
"""What a toy takes, what it refuses, and how it goes on after an interruption."""
# ruff: noqa: PTH107, PTH123, ASYNC230 (MicroPython has no pathlib)

import hashlib
import os

from device.update import manifest
from device.update.authentic import Hmac, same, update_key
from device.update.receiver import MANIFEST, MOST_DAMAGED, UNCHECKED, Receiver, Refused
from tests.device.check import equal, raises, raises_async
from tests.device.flash_disk import Disk, littlefs
from tests.device.update_parcel import FILES, KEY, MPY, OLD, TOKEN, Parcel, hex_digest


def receiver(running=OLD, mpy=MPY, key=KEY):
    return Receiver("a", key, running, mpy)


async def refused(parcel, words, **toy):
    """Assert that a toy refuses the parcel with these words, and that it does not start."""
    error = await raises_async(Refused, parcel.send(receiver(**toy)))
    assert words in str(error), str(error)


def test_hmac_as_rfc_4231_has_it():
    for key, message, expected in (
        (
            b"\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 20,
            b"\xdd" * 50,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
    ):
        hmac = Hmac(key)
        hmac.update(message[:3])
        hmac.update(message[3:])
        equal("".join(f"{byte:02x}" for byte in hmac.digest()), expected)


def test_the_key_comes_from_the_secret_half_of_the_token():
    equal(update_key(TOKEN), update_key("another-id." + TOKEN.partition(".")[2]))
    assert update_key(TOKEN) != update_key(TOKEN + "x")
    for useless in ("", "id", "id."):
        raises(ValueError, update_key, useless)


def test_same():
    assert same(b"", b"") and same(b"abc", b"abc")
    assert not same(b"abc", b"abd") and not same(b"abc", b"xbc") and not same(b"abc", b"abcd")


async def test_all_of_it_arrives():
    parcel = Parcel()
    toy = receiver()
    await parcel.send(toy)
    equal(toy.wanted, (None, 0))
    await toy.check()
    equal(toy.version, "0.2.0")
    assert parcel.is_in("a")


async def test_it_goes_on_where_it_was():
    parcel = Parcel()
    whole = await Parcel().send(receiver(), 100)
    for most in range(1, whole, 7):
        await Parcel(version="0.3.0").send(receiver(), 100)  # something else is in the slot
        sent = await parcel.send(receiver(), 100, most)
        equal(sent, most)
        more = await parcel.send(receiver(), 100)
        # The manifest begins again when it was not complete; of the files nothing comes twice.
        manifest_pieces = (len(parcel.manifest) + 99) // 100
        equal(more, whole - most if most >= manifest_pieces else whole, f"after {most}")
        assert parcel.is_in("a")


async def test_what_was_damaged_meanwhile_comes_again():
    parcel = Parcel()
    await parcel.send(receiver())
    with open("a/device/app.mpy", "r+b") as file:
        file.seek(700)
        file.write(b"!")
    with open("a/device/audio/dsp.mpy", "ab") as file:
        file.write(b"more")
    os.remove("a/device/__init__.mpy")
    error = await raises_async(Refused, receiver_check(parcel))
    assert "not complete" in str(error)
    toy = receiver()
    await parcel.send(toy)
    await toy.check()
    assert parcel.is_in("a")


async def receiver_check(parcel):
    toy = receiver()
    await toy.begin(parcel.mac, len(parcel.manifest))
    await toy.check()


async def test_another_update_takes_the_place_of_the_first():
    await Parcel().send(receiver(), 512, 12)
    second = Parcel({"device/app.mpy": b"new"}, version="0.3.0")
    await second.send(receiver())
    assert second.is_in("a")


async def test_damage_on_the_way_is_not_installed():
    class Damaged(Parcel):
        def read(self, path, offset, size):
            data = super().read(path, offset, size)
            return data if path == UNCHECKED else bytes(len(data))

    error = await raises_async(Refused, Damaged().send(receiver()))
    assert "damaged" in str(error)
    assert MOST_DAMAGED < 20


async def test_only_home_can_sign():
    await refused(Parcel(key=update_key("x.another")), "not signed")
    await refused(Parcel(), "not signed", key=update_key("x.another"))
    forged = Parcel()
    forged.manifest = forged.manifest.replace(b"0.2.0", b"9.2.0")
    await refused(forged, "not signed")
    equal(os.listdir("a"), [])  # noqa: PTH208
    # A manifest that was put there by somebody else is not believed either.
    with open("a/" + MANIFEST, "wb") as file:
        file.write(forged.manifest)
    toy = receiver()
    await toy.begin(forged.mac, len(forged.manifest))
    equal(toy.wanted, (UNCHECKED, 0))


async def test_versions():
    await refused(Parcel(version=OLD), "running already")
    await refused(Parcel(version="0.0.9"), "older")
    await refused(Parcel(version="0.2.0"), "older", running="0.10.0")
    # A grown-up may want an older one, or the same again; that holds for the version it names.
    await Parcel(version="0.0.9", replaces=OLD).send(receiver())
    await Parcel(version=OLD, replaces=OLD).send(receiver())
    await refused(Parcel(version="0.0.9", replaces=OLD), "another version", running="0.1.1")
    await refused(Parcel(version="newest"), "not a version")


async def test_another_kind_of_toy():
    await refused(Parcel(mpy=2822), "another kind of toy")


async def test_no_room():
    memory = littlefs(24)
    with Disk(memory):
        await refused(Parcel({"device/app.mpy": bytes(60000)}), "no room")
        parcel = Parcel({"device/app.mpy": b"small"})
        await parcel.send(receiver())
        assert parcel.is_in("a")


async def test_pieces_that_are_not_wanted_change_nothing():
    parcel = Parcel()
    toy = receiver()
    await parcel.send(toy, 512, 4)
    path, offset = toy.wanted
    for other in ((path, offset + 1), ("settings.json", 0), (None, 0), ("../boot.py", 0)):
        await toy.write(other[0], other[1], b"x")
        equal(toy.wanted, (path, offset))
    await raises_async(Refused, toy.write(path, offset, bytes(5000)))
    await raises_async(Refused, toy.write(path, offset, b""))
    await parcel.send(receiver())
    assert parcel.is_in("a")


async def test_impossible_manifests():
    title = "bramble update 1\n"
    good = f"{hex_digest(b'x')} 1 device/app.mpy\n"
    head = title + "version 0.2.0\nmpy 11014\n\n"
    for text in (
        "hello\n",
        title,
        title + "version 0.2.0\n\n" + good,
        title + "version 0.2.0\nmpy 1e9\n\n" + good,
        title + "version 0.2.0\nversion 0.3.0\nmpy 11014\n\n" + good,
        title + "version 0.2.0\nmpy 11014\nsurprise 1\n\n" + good,
        head,
        head + good[:-1],
        head + "0" * 300 + "\n",
        head + good.replace("device/app.mpy", "boot.py"),
        head + good.replace("device/app.mpy", "device/../boot.py"),
        head + good.replace("device/app.mpy", "/device/app.mpy"),
        head + good.replace("device/app.mpy", "device//app.mpy"),
        head + good.replace("device/app.mpy", "device/" + "x" * 90),
        head + good.replace(" 1 ", " -1 "),
        head + good.replace(" 1 ", " 999999 "),
        head + "z" + good[1:],
        head + good.replace("device", "devi\xe9e"),
        head + good * 230,
    ):
        parcel = Parcel(manifest=text.encode())
        if len(parcel.manifest) <= manifest.MOST_BYTES:
            await raises_async(Refused, parcel.send(receiver()))
        else:
            await raises_async(Refused, receiver().begin(parcel.mac, len(parcel.manifest)))
    for size in (0, -1, manifest.MOST_BYTES + 1):
        await raises_async(Refused, receiver().begin(KEY, size))
    await raises_async(Refused, receiver().begin(b"short", 100))


def test_a_file_is_hashed_by_the_same_rule_as_at_home():
    equal(
        hex_digest(FILES["device/app.mpy"])[:2],
        f"{hashlib.sha256(bytes(range(256)) * 5).digest()[0]:02x}",
    )
