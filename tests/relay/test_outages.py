"""A hundred questions across twenty outages: each is answered, or the child hears that it is not.

Several real toys (the firmware on the virtual board) talk to one relay with scripted engines; one
in five questions meets a trouble somewhere between the squeeze and the last word.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from relay.record import Outcome, Stage
from tests.relay.conftest import OpenHouse
from tests.relay.house import House, PairedToy
from tests.relay.scripted_engines import ScriptedEngines, ScriptedMind
from tools.virtual_toy import Look, VirtualToy

TOYS = 5
TURNS = 20  # of each toy
EVERY = 5  # questions an outage
QUESTION = (6000 * np.sin(2 * np.pi * 300 * np.arange(1600) / 16000)).astype(np.int16)
AWAY_LOOKS = (Look.OFFLINE, Look.CONNECTING)
PATIENCE_S = 60
# What may still be in the speaker of an answer that was cut off.
LEFTOVER_S = 0.3


@dataclass
class Tally:
    """What became of the questions."""

    answered: int = 0
    announced: int = 0
    lost: list[str] = field(default_factory=list)


@dataclass
class Player:
    """One toy and the troubles that it meets."""

    house: House
    paired: PairedToy
    toy: VirtualToy
    tally: Tally
    chance: random.Random

    async def play(self) -> None:
        """Ask all questions; every so often in the middle of trouble."""
        troubles = [
            self.reset,
            self.lose_wifi,
            self.new_address,
            self.go_dead,
            self.relay_hangs_up,
        ]
        moments = [Look.LISTENING, Look.THINKING, Look.SPEAKING]
        for turn in range(TURNS):
            if turn % EVERY != 2:
                await self.ask(f"question {turn}", None)
                continue
            moment, trouble = self.chance.choice(moments), self.chance.choice(troubles)
            breaking = asyncio.create_task(self.spoil(moment, trouble))
            await self.ask(f"question {turn}, {trouble.__name__} while {moment}", breaking)
            await breaking
            if self.chance.random() < 0.5:  # else the next squeeze comes while it is away
                await self.toy.wait_until_ready(PATIENCE_S)
        await self.toy.wait_until_ready(PATIENCE_S)

    async def spoil(self, moment, trouble) -> None:
        """Let `trouble` come when the toy is in `moment` of its turn."""
        assert await self.toy.wait_for(lambda: self.toy.look == moment, PATIENCE_S)
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        await trouble()

    async def reset(self) -> None:
        self.toy.cut_connections()

    async def lose_wifi(self) -> None:
        self.toy.lose_wifi()
        self.toy.cut_connections()
        await asyncio.sleep(self.chance.uniform(0.1, 1))
        self.toy.restore_wifi()

    async def new_address(self) -> None:
        self.toy.change_address()

    async def go_dead(self) -> None:
        self.toy.air.drop()  # without a sign to either end

    async def relay_hangs_up(self) -> None:
        for session in list(self.house.server.sessions.values()):
            if session.toy.id == self.paired.id:
                session.abort()

    def played(self) -> int:
        """How many answers the toy has played to their end."""
        return sum(
            record.toy == self.paired.id
            and record.outcome is Outcome.ANSWERED
            and Stage.PLAYED in record.at
            for record in self.house.records
        )

    async def ask(self, name: str, breaking: asyncio.Task | None) -> None:
        """Ask, and note whether it was answered, or announced that it was not."""
        if breaking is not None:
            # The moment of the trouble must come: a toy that is away has none.
            await self.toy.wait_until_ready(PATIENCE_S)
        played, away_at_first = self.played(), self.toy.look in AWAY_LOOKS
        reply = await self.toy.ask(QUESTION, lead_ms=50, hold_extra_ms=300, timeout_s=PATIENCE_S)
        lost_at = reply.pressed_at if away_at_first else self.first_away(reply.pressed_at)
        if lost_at is None:
            await self.toy.wait_for(lambda: self.played() > played, 5)
            if self.played() > played:
                self.tally.answered += 1
                return
            lost_at = reply.pressed_at
        if self.played() > played:
            self.tally.answered += 1  # the trouble came after the last word
        elif await self.toy.wait_for(lambda: self.heard_after(lost_at), 5):
            self.tally.announced += 1
        else:
            looks = [look for at, look in self.toy._senses.looks if at >= reply.pressed_at]
            self.tally.lost.append(f"{self.paired.name}, {name}: silence; looks {looks}")

    def first_away(self, since: float) -> float | None:
        """Return when the light first said that home cannot be reached, after `since`."""
        for event in self.toy.events:
            if event.at >= since and event.name == "light" and event.detail in AWAY_LOOKS:
                return event.at
        return None

    def heard_after(self, lost_at: float) -> bool:
        """Tell whether the toy has made a sound since, apart from what it was about to say."""
        start = lost_at + LEFTOVER_S
        return self.toy.speaker.first_audible(start, max(start, time.monotonic())) is not None


@pytest.mark.timeout(240)
async def test_no_question_is_lost_without_a_sound(open_house: OpenHouse) -> None:
    mind = ScriptedMind(piece_s=0.05)
    limits = {"turns_per_minute": 600, "heartbeat_s": 1, "timeout_s": 3}
    house = await open_house(ScriptedEngines(llm=mind), limits=limits)
    tally, seed = Tally(), 20
    players = []
    for number in range(TOYS):
        paired = PairedToy(f"toy-{number}", f"toy {number}", 7)
        house.toys[f"token-{number}"] = paired
        url = f"ws://127.0.0.1:{house.server.port}/toy"
        toy = VirtualToy(relay_url=url, token=f"token-{number}")
        players.append(Player(house, paired, toy, tally, random.Random(seed + number)))

    async def run(player: Player) -> None:
        async with player.toy as toy:
            await toy.wait_until_ready(PATIENCE_S)
            await player.play()
            assert toy.boots == 1

    await asyncio.gather(*(run(player) for player in players))
    assert not tally.lost, "\n".join(tally.lost)
    assert tally.answered + tally.announced == TOYS * TURNS
    assert tally.announced >= TOYS, "the outages were felt"
    # Each outage may cost the question it meets and the next one, and no more.
    assert tally.answered >= TOYS * TURNS * (EVERY - 2) // EVERY
