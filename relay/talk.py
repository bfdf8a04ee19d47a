"""What the turns of one session have in common."""

from dataclasses import dataclass, field

from relay.age import AgeBand
from relay.conversation import Conversation
from relay.link import ToyLink
from relay.llm import ChatMessage
from relay.pace import Pace
from relay.persona import opening


@dataclass(frozen=True)
class Talk:
    """One toy's talk: who it is, how sound reaches it, and what was learnt so far."""

    session: str
    toy: str
    band: AgeBand
    link: ToyLink
    codec: int
    lead_ms: int
    prebuffer_ms: int
    conversation: Conversation = field(default_factory=Conversation)
    pace: Pace = field(default_factory=Pace)

    def prompt(self, now: float) -> list[ChatMessage]:
        """Return what comes before the child's next question; `now` is in monotonic seconds."""
        return [*opening(self.band), *self.conversation.messages(now)]
