"""The rules of one child: the whole form, every mistake told beside its field."""

from starlette.responses import Response

from relay.config import Settings
from relay.parent.routing import Page
from relay.parent.rules_form import (
    Choices,
    Fields,
    changed_meanwhile,
    fields_of,
    fields_sent,
    read_rules,
)
from relay.parent.visit import Visit
from relay.safety.parent import topics
from relay.store.audit import Deed
from relay.store.children import Child
from relay.store.rules import ChangedMeanwhile

RULES = "/children/{child}/rules"
# espeak-ng's voices by language; a Piper model is one voice.
_ESPEAK_VOICES = {"en": ("en-us", "en-gb", "en-gb-scotland", "en-029")}


async def show_rules(visit: Visit) -> Response:
    """Show a child's rules."""
    tables = visit.page.tables
    child = await tables.children.get(visit.household, visit.part("child"))
    rules = await tables.rules.of(visit.household, child.id)
    return _form(visit, child, fields_of(rules))


async def save_rules(visit: Visit) -> Response:
    """Keep the rules; two parents who edit at once are told of each other, and nothing is lost."""
    tables = visit.page.tables
    child = await tables.children.get(visit.household, visit.part("child"))
    sent = fields_sent(visit.form)
    rules, errors = read_rules(child.id, sent, _choices(visit.page.settings))
    if rules is None:
        return _form(visit, child, sent, errors=errors, status=422)
    try:
        before = await tables.rules.of(visit.household, child.id)
        saved = await tables.rules.save(visit.household, rules)
    except ChangedMeanwhile as meanwhile:
        stored = changed_meanwhile(sent, meanwhile.current)
        sent["revision"] = str(meanwhile.current.revision)
        return _form(visit, child, sent, stored=stored, status=409)
    # A shorter time holds for what is kept already, too.
    await tables.transcripts.shorten(child.id, saved.transcript_days)
    await visit.page.changed()
    # What was changed, not to what: a family's own blocked words may be private.
    names = sorted(changed_meanwhile(fields_of(saved), before))
    await visit.note(Deed.RULES_CHANGED, child.name, ", ".join(names)[:300])
    return visit.go(RULES.format(child=child.id), done="rules_saved")


def _form(
    visit: Visit,
    child: Child,
    fields: Fields,
    *,
    errors: dict[str, str] | None = None,
    stored: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    settings = visit.page.settings
    return visit.render(
        "rules.html",
        status,
        child=child,
        fields=fields,
        choices=_choices(settings),
        topics=[topic.value for topic in topics()],
        errors=errors or {},
        stored=stored or {},
        usual_speed=settings.tts.words_per_minute,
    )


def _choices(settings: Settings) -> Choices:
    language = settings.stt.language
    voices = _ESPEAK_VOICES.get(language, ()) if settings.tts.engine == "pyttsx3" else ()
    return Choices(voices=voices, languages=(language,))


PAGES = (
    Page("GET", RULES, show_rules),
    Page("POST", RULES, save_rules),
)
