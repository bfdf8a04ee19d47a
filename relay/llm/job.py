"""What the event loop asks of the model's thread, and the way back."""

import asyncio
import contextlib
import itertools
from collections.abc import Sequence

from relay.errors import EngineError
from relay.llm import ChatMessage, ReplyStream
from relay.urgency import Urgency

_arrivals = itertools.count()


class Job:
    """A reply to make or, without a `stream` to make it for, a prompt to read ahead.

    `finished`: all of the prompt is known, and not only its beginning.

    Both threads look at the flags; each is set by one of them only, and but for `holds` once.
    """

    def __init__(
        self,
        messages: Sequence[ChatMessage],
        *,
        stream: ReplyStream | None,
        max_tokens: int = 0,
        finished: bool = False,
    ) -> None:
        self.messages = messages
        self.finished = finished
        self.max_tokens = max_tokens
        self.arrived = next(_arrivals)
        self.events: asyncio.Queue[str | EngineError | None] = asyncio.Queue()
        self.cancelled = False  # nobody waits for it any more
        self.started = False  # the model works on it
        self.holds = False  # the step that the model makes now is made for this reply above all
        self.done = False  # the model has let go of it
        self._stream = stream
        self._loop = asyncio.get_running_loop()

    @property
    def is_reply(self) -> bool:
        """Whether tokens are to be made, not only read."""
        return self._stream is not None

    @property
    def urgency(self) -> Urgency:
        """What the reader of the reply says at this moment."""
        return Urgency.BACKGROUND if self._stream is None else self._stream.urgency

    def post(self, piece: str) -> None:
        """Hand over a piece of the reply, from the model's thread."""
        self._send(piece)

    def end(self, error: EngineError | None = None) -> None:
        """Say that there is nothing more to come, from any thread; only the first time counts."""
        if not self.done:
            self.done = True
            self._send(error)

    def _send(self, event: str | EngineError | None) -> None:
        # A loop that has closed needs no answer.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.events.put_nowait, event)
