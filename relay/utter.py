"""From words to sound, in the time that is given."""

from relay.errors import EngineError, EngineTimeout
from relay.services import Services
from relay.speech import Utterance
from relay.streams import within
from relay.tts import USUAL, Style
from relay.urgency import Urgency

_PAUSES = (".", "!", "?", '"', "”", "…", ",", ";", ":", "–", "—")


async def utter(
    services: Services, text: str, *, urgency: Urgency, style: Style = USUAL
) -> Utterance:
    """Return `text` as it is spoken; raises EngineError."""
    limit = services.settings.tts.timeout_s
    # A voice sinks at the end of a text, unless a mark says that more will come.
    marked = text if text.endswith(_PAUSES) else text + ","
    try:
        pcm = await within(services.engines.tts.speak(marked, urgency=urgency, style=style), limit)
    except TimeoutError:
        raise EngineTimeout("tts", f"no sound within {limit:g} s") from None
    if not pcm:
        raise EngineError("tts", "made no sound")
    return Utterance(text, pcm)
