"""The door: every word a child says and every sentence the model makes goes through it."""

import asyncio
import contextlib
import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from relay.age import AgeBand
from relay.config import SafetySettings
from relay.safety.data_files import DATA
from relay.safety.embedding import Embedder
from relay.safety.errors import SafetyError
from relay.safety.filter import Filter
from relay.safety.finding import Category
from relay.safety.parent import ParentRules
from relay.safety.replies import LAST_RESORT
from relay.safety.verdict import Action, Alert, Verdict

MODELS = Path("models")
"""Where the models lie by default, as in relay.config."""

_logger = logging.getLogger(__name__)

_MAX_UNFINISHED = 64
"""Checks under way at once, hung ones included. A check takes about ten milliseconds."""


_REMEMBERED = 64
"""Verdicts kept, by keyed digest: a turn begun early asks the same again. Never a failed check."""


class SafetyGate:
    """The filter behind a deadline. Loading it tests it.

    SafetyError and ModelMissing keep the relay from starting.

    Whatever goes wrong in a check, too late included, the answer is BLOCK with a kind line and
    `Alert.CHECK_FAILED`. No answer gets softer for an earlier one: nothing wears off in a session.
    """

    def __init__(
        self,
        settings: SafetySettings | None = None,
        data: Path = DATA,
        *,
        models_dir: Path = MODELS,
    ) -> None:
        self._timeout_s = (settings or SafetySettings()).timeout_ms / 1000
        self.filter = Filter.load(data, Embedder.load(models_dir))
        self._known: dict[bytes, Verdict] = {}
        self._key = secrets.token_bytes(16)
        self._unfinished = 0
        self._lock = threading.Lock()
        # Few checks need a pattern that is not compiled yet, but on a busy machine those are late.
        threading.Thread(target=self._compile, name="safety-compile", daemon=True).start()

    def _compile(self) -> None:
        try:
            self.filter.compile_all()
        except Exception as error:  # a check that needs the pattern fails then, and blocks
            fields = {"error": type(error).__name__}
            _logger.error("safety patterns not compiled", extra={"fields": fields})

    async def check_heard(
        self,
        text: str,
        band: AgeBand,
        *,
        alternatives: Sequence[str] = (),
        earlier: Sequence[str] = (),
        rules: ParentRules | None = None,
        lately: frozenset[Alert] = frozenset(),
    ) -> Verdict:
        """Return the verdict on what a child said.

        `alternatives` are the recogniser's other hypotheses, `earlier` the child's utterances
        before this one, oldest first: of those the last few are joined with `text`. `rules` are
        the parent's. `lately` are the child's cries for help of the last minutes: after one, vague
        words ("today is the day") are heard in its light.
        """
        return await self._checked(
            ("heard", text, band, tuple(alternatives), tuple(earlier), rules, lately),
            lambda: self.filter.heard(
                text, band, alternatives=alternatives, earlier=earlier, rules=rules, lately=lately
            ),
            band,
        )

    async def check_said(
        self, sentence: str, band: AgeBand, *, before: str = "", rules: ParentRules | None = None
    ) -> Verdict:
        """Return the verdict on a sentence of the model; `before` is the reply so far."""
        return await self._checked(
            ("said", sentence, band, before, rules),
            lambda: self.filter.said(sentence, band, before=before, rules=rules),
            band,
        )

    async def _checked(
        self, question: tuple[object, ...], check: Callable[[], Verdict], band: AgeBand
    ) -> Verdict:
        try:
            key = self._digest(question)
            verdict = self._known.get(key) or await self._in_time(check)
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = verdict
            return verdict
        except Exception as error:
            reason = str(error) if isinstance(error, SafetyError) else type(error).__name__
            _logger.error("safety check failed", extra={"fields": {"error": reason}})
            return self._failed(band)

    def _digest(self, question: tuple[object, ...]) -> bytes:
        content = repr(question).encode("utf-8", "backslashreplace")
        return hashlib.blake2b(content, key=self._key, digest_size=16).digest()

    async def _in_time(self, check: Callable[[], Verdict]) -> Verdict:
        """Run `check` in a thread; raises what it raises, and TimeoutError when it is late."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Verdict] = loop.create_future()

        def run() -> None:
            failure: SafetyError | None = None
            verdict = Verdict(Action.BLOCK)
            try:
                verdict = check()
            except BaseException as error:  # whatever it is, the answer is BLOCK
                # The type alone: an exception's text may hold a child's words.
                failure = SafetyError(type(error).__name__)
            finally:
                self._finish()
            with contextlib.suppress(RuntimeError):  # the relay stopped: nobody waits any more
                loop.call_soon_threadsafe(_deliver, answer, verdict, failure)

        self._begin()
        try:
            # A thread of its own, not a pool's: one that hangs must not hold up the next
            # check, nor the end of the process.
            threading.Thread(target=run, name="safety", daemon=True).start()
        except BaseException:
            self._finish()
            raise
        return await asyncio.wait_for(answer, self._timeout_s)

    def _begin(self) -> None:
        with self._lock:
            if self._unfinished >= _MAX_UNFINISHED:
                raise SafetyError("too many unfinished checks")
            self._unfinished += 1

    def _finish(self) -> None:
        with self._lock:
            self._unfinished -= 1

    def _failed(self, band: AgeBand) -> Verdict:
        try:
            reply = self.filter.replies.pick("check_failed", band)
        except Exception:
            reply = LAST_RESORT
        return Verdict(
            action=Action.BLOCK,
            category=Category.CHECK_FAILED.value,
            rule="gate.check_failed",
            reply=reply,
            alert=Alert.CHECK_FAILED,
        )


def _deliver(
    answer: asyncio.Future[Verdict], verdict: Verdict, failure: SafetyError | None
) -> None:
    if answer.done():
        return  # too late
    if failure:
        answer.set_exception(failure)
    else:
        answer.set_result(verdict)
