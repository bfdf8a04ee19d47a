"""A guardian who decides what a test wants, and remembers when it was asked."""

from dataclasses import dataclass, field

from relay.conversation import Conversation
from relay.terms import Terms


@dataclass
class ScriptedGuardian:
    now: Terms = field(default_factory=Terms)
    closing: str | None = None
    conversations: dict[str, Conversation] = field(default_factory=dict)
    talked: list[str] = field(default_factory=list)  # "begin" and "end", in turn

    def terms(self, toy, band):
        return self.now

    def conversation(self, toy):
        return self.conversations.setdefault(toy, Conversation())

    def begin(self, toy):
        self.talked.append("begin")

    def end(self, toy):
        self.talked.append("end")

    def closing_words(self, toy, band):
        words, self.closing = self.closing, None
        return words
