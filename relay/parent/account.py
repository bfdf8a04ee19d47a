"""A parent's own account, the other parents, and who did what."""

from starlette.responses import Response

from relay.parent.door import begin, too_many
from relay.parent.errors import Refused
from relay.parent.passwords import weakness
from relay.parent.routing import LOGIN, Page
from relay.parent.sessions import new_session
from relay.parent.visit import Visit
from relay.parent.welcome import LINK
from relay.store.audit import Deed
from relay.store.invitations import InvitationKind
from relay.store.parents import Parent, fold
from relay.store.values import NotFound

ACCOUNT = "/account"


async def show_account(visit: Visit) -> Response:
    """Show the account."""
    return await _show(visit)


async def change_password(visit: Visit) -> Response:
    """Set another password, and log out everywhere else."""
    tables, form = visit.page.tables, visit.form
    if too_many(visit, fold(visit.parent.name)):
        raise Refused(429, "errors.too_many")
    found = await tables.parents.find(visit.parent.name)
    errors: dict[str, str] = {}
    if found is None or not await visit.page.passwords.fits(form.secret("current"), found[1]):
        errors["current"] = "errors.password_current"
    new = form.secret("password")
    if weak := weakness(new, visit.parent.name):
        errors["password"] = weak
    elif new != form.secret("again"):
        errors["again"] = "errors.password_again"
    if errors:
        return await _show(visit, errors=errors, status=422)
    await tables.parents.set_password(visit.parent.id, await visit.page.passwords.hash(new))
    await tables.logins.end_all(visit.parent.id)
    await visit.note(Deed.PASSWORD_CHANGED)
    await begin(visit, visit.parent)
    return visit.go(ACCOUNT, done="password_changed")


async def log_out_everywhere(visit: Visit) -> Response:
    """Forget every browser that this parent has logged in with."""
    await visit.page.tables.logins.end_all(visit.parent.id)
    await visit.note(Deed.LOGGED_OUT_EVERYWHERE)
    visit.session = new_session()
    return visit.go(LOGIN, done="logged_out_everywhere")


async def invite_parent(visit: Visit) -> Response:
    """Make a link that lets one more parent in, and show it, this once."""
    secret = await visit.page.tables.invitations.make(visit.household, InvitationKind.PARENT)
    await visit.note(Deed.PARENT_INVITED)
    return await _show(visit, link=f"{visit.request.url.scheme}://{visit.host}{LINK}/{secret}")


async def ask_before_removing(visit: Visit) -> Response:
    """Ask whether another parent's account is to go."""
    return visit.render("remove_parent.html", other=await _other_parent(visit))


async def remove_parent(visit: Visit) -> Response:
    """Remove another parent's account."""
    other = await _other_parent(visit)
    await visit.page.tables.parents.remove(visit.household, other.id)
    await visit.note(Deed.PARENT_REMOVED, other.name)
    return visit.go(ACCOUNT, done="parent_removed")


async def show_deeds(visit: Visit) -> Response:
    """Show what the household's parents did."""
    entries = await visit.page.tables.audit.latest(visit.household, limit=200)
    return visit.render("deeds.html", entries=entries)


async def _other_parent(visit: Visit) -> Parent:
    for parent in await visit.page.tables.parents.of(visit.household):
        if parent.id == visit.part("parent") and parent.id != visit.parent.id:
            return parent
    raise NotFound("there is no such parent")


async def _show(
    visit: Visit,
    *,
    errors: dict[str, str] | None = None,
    link: str | None = None,
    status: int = 200,
) -> Response:
    return visit.render(
        "account.html",
        status,
        parents=await visit.page.tables.parents.of(visit.household),
        errors=errors or {},
        link=link,
    )


PAGES = (
    Page("GET", ACCOUNT, show_account),
    Page("POST", ACCOUNT + "/password", change_password),
    Page("POST", ACCOUNT + "/log-out-everywhere", log_out_everywhere),
    Page("POST", ACCOUNT + "/invite", invite_parent),
    Page("GET", ACCOUNT + "/parents/{parent}/remove", ask_before_removing),
    Page("POST", ACCOUNT + "/parents/{parent}/remove", remove_parent),
    Page("GET", ACCOUNT + "/log", show_deeds),
)
