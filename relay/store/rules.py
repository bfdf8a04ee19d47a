"""What a parent has decided for a child."""

import json
from dataclasses import dataclass, replace

from sqlalchemy import Connection, RowMapping, insert, select, update

from relay.database import Database, StoreError
from relay.safety.parent import Topic
from relay.schema import rules
from relay.store.toy import check_child


@dataclass(frozen=True)
class ChildRules:
    """The rules of one child. None is no limit, or what the relay's settings say.

    Times of the day are minutes after midnight at home, volumes per cent. Quiet hours reach over
    midnight where `quiet_from` is the later one. A topic that is neither open nor blocked is
    answered as fits the child's age. `revision` counts the changes.
    """

    child: str
    daily_minutes: int | None = 60
    session_minutes: int | None = 20
    quiet_from: int | None = 20 * 60
    quiet_until: int | None = 7 * 60
    volume_ceiling: int | None = None
    night_volume: int | None = None
    open_topics: frozenset[Topic] = frozenset()
    blocked_topics: frozenset[Topic] = frozenset()
    own_blocked: tuple[str, ...] = ()
    voice: str | None = None
    words_per_minute: int | None = None
    language: str | None = None
    keep_transcripts: bool = False
    keep_memory: bool = False
    keep_alerts: bool = True
    transcript_days: int = 7
    revision: int = 0


class ChangedMeanwhile(StoreError):
    """Somebody else has changed the rules; `current` is what they are now."""

    def __init__(self, current: ChildRules) -> None:
        super().__init__("the rules were changed meanwhile")
        self.current = current


class Rules:
    """The table of rules; every method raises StoreError, NotFound for a child of others."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, household: str, child: str) -> ChildRules:
        """Return a child's rules: what new ones start with, where nothing was decided yet."""
        return await self._database.read(_of, household, child)

    async def save(self, household: str, changed: ChildRules) -> ChildRules:
        """Keep rules and return them as they are then.

        Raises ChangedMeanwhile when they are not what `changed.revision` counted any more.
        """

        def work(connection: Connection) -> ChildRules:
            current = _of(connection, household, changed.child)
            if current.revision != changed.revision:
                raise ChangedMeanwhile(current)
            saved = replace(changed, revision=current.revision + 1)
            if current.revision == 0:
                connection.execute(insert(rules).values(**_columns(saved)))
            else:
                connection.execute(
                    update(rules).where(rules.c.child == saved.child).values(**_columns(saved))
                )
            return saved

        return await self._database.call(work)


def _of(connection: Connection, household: str, child: str) -> ChildRules:
    check_child(connection, household, child)
    row = connection.execute(select(rules).where(rules.c.child == child)).mappings().one_or_none()
    return ChildRules(child) if row is None else rules_of_row(row)


def rules_of_row(row: RowMapping) -> ChildRules:
    """Return the rules in a row of the table."""
    values = dict(row)
    topics: dict[str, str] = json.loads(values.pop("topics"))
    # A topic that this version does not know was kept by a later one.
    opened = frozenset(topic for topic in Topic if topics.get(topic.value) == "allow")
    blocked = frozenset(topic for topic in Topic if topics.get(topic.value) == "block")
    own_blocked = tuple(json.loads(values.pop("own_blocked")))
    return ChildRules(**values, open_topics=opened, blocked_topics=blocked, own_blocked=own_blocked)


def _columns(saved: ChildRules) -> dict[str, object]:
    values = dict(vars(saved))
    decided = {topic.value: "allow" for topic in values.pop("open_topics")}
    decided |= {topic.value: "block" for topic in values.pop("blocked_topics")}
    values["topics"] = json.dumps(decided, sort_keys=True)
    values["own_blocked"] = json.dumps(values["own_blocked"])
    return values
