"""Children, and a parent's consent: without it nothing is kept and nothing spoken."""

from starlette.responses import Response

from device.protocol import OLDEST_AGE, YOUNGEST_AGE
from relay.database import StoreError
from relay.parent.routing import Page
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.children import CONSENT_VERSION, Child
from relay.store.values import clean_name

CHILDREN = "/children"
_AGES = range(YOUNGEST_AGE, OLDEST_AGE + 1)


async def show_children(visit: Visit) -> Response:
    """List the household's children."""
    tables = visit.page.tables
    children = await tables.children.of(visit.household)
    consented = {}
    for child in children:
        consents = await tables.children.consents(visit.household, child.id)
        consented[child.id] = bool(consents) and consents[0].is_valid
    return visit.render("children.html", children=children, consented=consented)


async def show_new_child(visit: Visit) -> Response:
    """Show the form for a new child."""
    return visit.render("child_new.html", ages=_AGES, name="", age="", errors={})


async def add_child(visit: Visit) -> Response:
    """Add a child; consent is asked for next."""
    name, age, errors = _name_and_age(visit)
    if errors:
        age_text = visit.form.text("age")
        return visit.render(
            "child_new.html", 422, ages=_AGES, name=name, age=age_text, errors=errors
        )
    child = await visit.page.tables.children.add(visit.household, name, age)
    await visit.note(Deed.CHILD_ADDED, child.name)
    return visit.go(f"{CHILDREN}/{child.id}/consent")


async def show_child(visit: Visit) -> Response:
    """Show a child, what was agreed to, and what can be changed."""
    child = await _child(visit)
    return await _form(visit, child, child.name, str(child.age), {})


async def change_child(visit: Visit) -> Response:
    """Change a child's name or age."""
    child = await _child(visit)
    name, age, errors = _name_and_age(visit)
    if errors:
        return await _form(visit, child, name, visit.form.text("age"), errors)
    await visit.page.tables.children.change(visit.household, child.id, name=name, age=age)
    await visit.page.changed()
    await visit.note(Deed.CHILD_CHANGED, name)
    return visit.go(f"{CHILDREN}/{child.id}", done="saved")


async def ask_for_consent(visit: Visit) -> Response:
    """Show what a parent agrees to."""
    return visit.render(
        "consent.html", child=await _child(visit), version=CONSENT_VERSION, error=None
    )


async def give_consent(visit: Visit) -> Response:
    """Record that the parent agrees."""
    child = await _child(visit)
    # The words that were on the page, and not newer ones that nobody has read.
    if not visit.form.is_ticked("agreed") or visit.form.text("version") != str(CONSENT_VERSION):
        return visit.render(
            "consent.html", 422, child=child, version=CONSENT_VERSION, error="errors.agree"
        )
    await visit.page.tables.children.consent(visit.household, child.id, visit.parent.id)
    await visit.page.changed()
    await visit.note(Deed.CONSENT_GIVEN, child.name, f"version {CONSENT_VERSION}")
    return visit.go(f"{CHILDREN}/{child.id}/rules", done="consent_given")


async def ask_before_withdrawing(visit: Visit) -> Response:
    """Ask whether consent is to be taken back."""
    return visit.render("withdraw.html", child=await _child(visit))


async def withdraw_consent(visit: Visit) -> Response:
    """Record that the parent does not agree any more."""
    child = await _child(visit)
    await visit.page.tables.children.withdraw(visit.household, child.id)
    await visit.page.changed()
    await visit.note(Deed.CONSENT_WITHDRAWN, child.name)
    return visit.go(f"{CHILDREN}/{child.id}", done="consent_withdrawn")


def _name_and_age(visit: Visit) -> tuple[str, int, dict[str, str]]:
    name, age, errors = visit.form.text("name"), visit.form.text("age"), {}
    try:
        clean_name(name)
    except StoreError:
        errors["name"] = "errors.name"
    if age not in map(str, _AGES):
        errors["age"] = "errors.age"
    return name, 0 if errors else int(age), errors


async def _child(visit: Visit) -> Child:
    return await visit.page.tables.children.get(visit.household, visit.part("child"))


async def _form(
    visit: Visit, child: Child, name: str, age: str, errors: dict[str, str]
) -> Response:
    tables = visit.page.tables
    toys = [toy for toy in await tables.toys.of(visit.household) if toy.child == child.id]
    parents = {parent.id: parent.name for parent in await tables.parents.of(visit.household)}
    return visit.render(
        "child.html",
        422 if errors else 200,
        child=child,
        ages=_AGES,
        name=name,
        age=age,
        errors=errors,
        toys=toys,
        parents=parents,
        consents=await tables.children.consents(visit.household, child.id),
    )


PAGES = (
    Page("GET", CHILDREN, show_children),
    Page("GET", CHILDREN + "/new", show_new_child),
    Page("POST", CHILDREN + "/new", add_child),
    Page("GET", CHILDREN + "/{child}", show_child),
    Page("POST", CHILDREN + "/{child}", change_child),
    Page("GET", CHILDREN + "/{child}/consent", ask_for_consent),
    Page("POST", CHILDREN + "/{child}/consent", give_consent),
    Page("GET", CHILDREN + "/{child}/withdraw", ask_before_withdrawing),
    Page("POST", CHILDREN + "/{child}/withdraw", withdraw_consent),
)
