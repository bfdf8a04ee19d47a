"""A whole update: the relay's updater, and the real firmware on the virtual board."""

import asyncio
import contextlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from relay.store import Store
from relay.tokens import issue_token
from relay.update.requests import UpdateRequest, UpdateRequests, UpdateState
from relay.update.updater import Updater
from tests.relay.house import House
from tools.virtual_toy import VirtualToy
from tools.virtual_toy.flash import ROOT

pytestmark = pytest.mark.timeout(240)

PATIENCE_S = 90
OLD, NEW = "0.0.9", "0.9.0"


def copy_firmware(folder: Path, version: str, **changes: tuple[str, str]) -> Path:
    """Copy the firmware, as `version`; `changes` name a module, what to replace, and by what."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "device", folder / "device", ignore=skip)
    for name in ("boot.py", "main.py"):
        shutil.copy(ROOT / name, folder / name)
    current = (folder / "device/health.py").read_text().split('FIRMWARE = "')[1].split('"')[0]
    for name, (old, new) in {"health": (f'"{current}"', f'"{version}"'), **changes}.items():
        file = folder / f"device/{name}.py"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
    return folder


@dataclass
class Workshop:
    """A relay with an updater, and one toy with old firmware."""

    house: House
    store: Store
    requests: UpdateRequests
    toy_id: str
    toy: VirtualToy
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def firmware(self) -> str | None:
        """The version that the toy says it runs, None while it is away."""
        session = self.house.server.sessions.get(self.toy_id)
        return session.hello.firmware if session and session.hello else None

    @property
    def flash(self) -> Path:
        return self.toy._folder / "flash"

    @property
    def marker(self) -> dict[str, str]:
        return json.loads((self.flash / "slot.json").read_text())

    def offer(self, source: Path) -> None:
        """Run an updater with the firmware in `source` from now on."""
        for task in self.tasks:
            task.cancel()
        updater = Updater(self.store, 400, source / "device")

        async def look() -> None:
            try:
                while True:
                    await updater.look(list(self.house.server.sessions.values()))
                    await asyncio.sleep(0.1)
            finally:
                await updater.stop()

        self.tasks.append(asyncio.create_task(look()))

    async def state(self) -> UpdateRequest:
        return (await self.requests.all())[0]

    async def update(self, *, again: bool = False) -> UpdateRequest:
        """Ask for an update and return it when it is over."""
        await self.requests.ask(self.toy_id, again=again)
        return await self.over()

    async def over(self) -> UpdateRequest:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not (request := await self.state()).state.is_over:
            assert asyncio.get_running_loop().time() < deadline, request
            await asyncio.sleep(0.1)
        return request

    async def until(self, condition) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, "it never came about"
            await asyncio.sleep(0.02)


@pytest.fixture
async def workshop(open_house, tmp_path):
    house = await open_house(limits={"messages_per_second": 1000})
    store = Store(f"sqlite:///{tmp_path}/relay.db")
    await store.open()
    paired, token = await issue_token(store, "Bear", 7)
    house.toys[token] = paired
    old = copy_firmware(tmp_path / "old", OLD)
    url = f"ws://127.0.0.1:{house.server.port}/toy"
    async with VirtualToy(relay_url=url, token=token, firmware=old) as toy:
        workshop = Workshop(house, store, UpdateRequests(store.database), paired.id, toy)
        await toy.wait_until_ready(40)
        yield workshop
        print("\n".join(toy.console))
        for task in workshop.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    await store.close()


async def test_two_updates_one_after_the_other(workshop, tmp_path):
    workshop.offer(copy_firmware(tmp_path / "new", NEW))
    done = await workshop.update()
    assert done.state is UpdateState.DONE, done.message
    assert workshop.firmware == NEW
    await workshop.until(lambda: workshop.marker["state"] == "good")
    assert workshop.marker == {"slot": "a", "state": "good", "version": NEW}
    assert done.sent == done.total > 50_000
    # The same once more is refused politely; an older one is not taken by mistake.
    again = await workshop.update()
    assert again.state is UpdateState.DONE and "not older" in again.message
    # The next one goes into the other slot, and starts as compiled code, too.
    workshop.offer(copy_firmware(tmp_path / "newer", "0.10.0"))
    done = await workshop.update()
    assert (done.state, workshop.firmware) == (UpdateState.DONE, "0.10.0"), done.message
    await workshop.until(lambda: workshop.marker["state"] == "good")
    assert workshop.marker["slot"] == "b"
    # And back again, because a grown-up wants it.
    workshop.offer(copy_firmware(tmp_path / "back", NEW))
    done = await workshop.update(again=True)
    assert (done.state, workshop.firmware) == (UpdateState.DONE, NEW), done.message


async def test_the_power_goes_again_and_again(workshop, tmp_path):
    workshop.offer(copy_firmware(tmp_path / "new", NEW))
    await workshop.requests.ask(workshop.toy_id, again=False)
    slot = workshop.flash / "a"
    for least in (1, 5, 40):
        await workshop.until(
            lambda least=least: sum(file.is_file() for file in slot.rglob("*")) >= least
        )
        before = {file: file.stat().st_mtime_ns for file in slot.rglob("*.mpy")}
        workshop.toy.reset()
    done = await workshop.over()
    assert (done.state, workshop.firmware) == (UpdateState.DONE, NEW), done.message
    # What had arrived before the last cut was not sent again, but for the file then on its way.
    same = [file for file, time in before.items() if file.stat().st_mtime_ns == time]
    assert len(same) >= len(before) - 1


@pytest.mark.parametrize(
    "changes",
    [
        {"app": ("import machine\n", "import machine\nimport nothing_like_this\n")},
        {"toy": ("class Toy:", "raise MemoryError('too much')\nclass Toy:")},
        {
            "protocol": ('SUBPROTOCOL = "bramble.v1"', 'SUBPROTOCOL = "bramble.v9"'),
            "slots": ("TRIAL_MS = 180000", "TRIAL_MS = 3000"),
        },
    ],
    ids=["cannot be loaded", "dies", "does not reach home"],
)
async def test_a_bad_version_goes_away_by_itself(workshop, tmp_path, changes):
    workshop.offer(copy_firmware(tmp_path / "bad", NEW, **changes))
    failed = await workshop.update()
    assert failed.state is UpdateState.FAILED
    assert f"gone back to {OLD}" in failed.message
    assert workshop.firmware == OLD
    assert workshop.marker == {"slot": "", "state": "good", "failed": NEW}
    # The next one, put right, is taken.
    workshop.offer(copy_firmware(tmp_path / "good", "0.9.1"))
    done = await workshop.update()
    assert (done.state, workshop.firmware) == (UpdateState.DONE, "0.9.1"), done.message


async def test_a_conversation_comes_first(workshop, tmp_path):
    workshop.toy.press()
    await workshop.toy.wait_for_look("listening")
    workshop.offer(copy_firmware(tmp_path / "new", NEW))
    await workshop.requests.ask(workshop.toy_id, again=False)
    await asyncio.sleep(2.5)
    assert not (workshop.flash / "a").exists()
    workshop.toy.release()
    await workshop.toy.wait_for_look("updating", timeout_s=PATIENCE_S)
    done = await workshop.over()
    assert (done.state, workshop.firmware) == (UpdateState.DONE, NEW), done.message


async def test_a_toy_of_somebody_else_takes_nothing(workshop, tmp_path):
    """The relay signs with the key it has; a toy whose token has another secret refuses."""
    await workshop.store.remove_toy("Bear")
    impostor, _ = await issue_token(workshop.store, "Bear", 7)
    session = workshop.house.server.sessions[workshop.toy_id]
    session.toy = impostor
    workshop.house.server.sessions[impostor.id] = session
    workshop.offer(copy_firmware(tmp_path / "new", NEW))
    await workshop.requests.ask(impostor.id, again=False)
    failed = await workshop.over()
    assert failed.state is UpdateState.FAILED and "not signed" in failed.message
    assert workshop.firmware == OLD
    assert not (workshop.flash / "slot.json").exists()
