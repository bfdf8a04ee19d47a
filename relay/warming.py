"""Letting the language model read ahead what it will be asked."""

import logging
import time

from relay.services import Services
from relay.talk import Talk
from relay.telemetry import log

_logger = logging.getLogger(__name__)


async def read_ahead(
    services: Services, talk: Talk, question: str = "", *, finished: bool = False
) -> None:
    """Let the model read what a prompt of this talk begins with, and the child's words if known.

    `finished`: `question` is all that the child says.
    """
    prefix = talk.prompt(time.monotonic())
    try:
        await services.engines.llm.warm(prefix, question, finished=finished)
    except Exception as error:
        # Only time is lost; the reply itself will say what is wrong.
        log(_logger, logging.INFO, "nothing read ahead", error=type(error).__name__)
