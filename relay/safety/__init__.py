"""Safety: the only door that a child's words and a model's words go through.

    gate = SafetyGate(models_dir=...)         # loads rules, replies, classifiers; tests itself
    verdict = await gate.check_heard("...", band, alternatives=(), earlier=())
    verdict = await gate.check_said("...", band, before="")

Both take the parent's `rules=ParentRules(...)`, made of what `topics()` lists.

Both fail closed: on any exception or time-out they return a BLOCK with a kind line.
"""

from relay.safety.errors import SafetyError
from relay.safety.gate import SafetyGate
from relay.safety.parent import ParentRules, Topic, topics
from relay.safety.verdict import Action, Alert, Verdict

__all__ = [
    "Action",
    "Alert",
    "ParentRules",
    "SafetyError",
    "SafetyGate",
    "Topic",
    "Verdict",
    "topics",
]
