"""One-time links: the first account, another parent, a forgotten password."""

from starlette.responses import Response

from relay.database import StoreError
from relay.parent.door import begin, too_many
from relay.parent.errors import Refused
from relay.parent.passwords import weakness
from relay.parent.routing import LOGIN, Page
from relay.parent.visit import Visit
from relay.store.audit import Deed
from relay.store.invitations import Invitation, InvitationKind
from relay.store.values import NameTaken, NotFound, clean_name

LINK = "/link"


async def show_link(visit: Visit) -> Response:
    """Show what a link is good for; only sending the form uses it up."""
    return _form(visit, await _find(visit))


async def use_link(visit: Visit) -> Response:
    """Make the account, or set the password, and log in."""
    secret, invitation = visit.part("secret"), await _find(visit)
    name, password = visit.form.text("name"), visit.form.secret("password")
    errors: dict[str, str] = {}
    resets = invitation.kind is InvitationKind.RESET
    if not resets:
        try:
            clean_name(name)
        except StoreError:
            errors["name"] = "errors.name"
    if weak := weakness(password, name):
        errors["password"] = weak
    elif password != visit.form.secret("again"):
        errors["again"] = "errors.password_again"
    if errors:
        return _form(visit, invitation, name, errors, status=422)
    kept = await visit.page.passwords.hash(password)
    invitations, logins = visit.page.tables.invitations, visit.page.tables.logins
    try:
        if resets:
            await logins.end_all(await invitations.reset(secret, kept))
            return visit.go(LOGIN, done="password_set")
        parent = await invitations.accept(secret, name, kept)
    except NameTaken:
        return _form(visit, invitation, name, {"name": "errors.name_taken"}, status=422)
    except NotFound as error:
        raise Refused(410, "errors.link") from error
    await begin(visit, parent)
    await visit.page.tables.audit.note(parent.household, parent.name, Deed.ACCOUNT_MADE)
    return visit.go("/", done="welcome")


async def _find(visit: Visit) -> Invitation:
    # The secret cannot be guessed; who tries all the same is not to keep the relay busy.
    if too_many(visit, f"link from {visit.address}"):
        raise Refused(429, "errors.too_many")
    found = await visit.page.tables.invitations.find(visit.part("secret"))
    if found is None:
        raise Refused(410, "errors.link")
    return found


def _form(
    visit: Visit,
    invitation: Invitation,
    name: str = "",
    errors: dict[str, str] | None = None,
    *,
    status: int = 200,
) -> Response:
    return visit.render(
        "link.html", status, kind=invitation.kind.value, name=name, errors=errors or {}
    )


PAGES = (
    Page("GET", LINK + "/{secret}", show_link, public=True),
    Page("POST", LINK + "/{secret}", use_link, public=True),
)
