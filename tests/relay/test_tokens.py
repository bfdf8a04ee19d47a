import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.database import StoreError
from relay.store import Store
from relay.tokens import authenticate, digest, issue_token


@pytest.fixture
async def store(store_url):
    store = Store(store_url)
    await store.open()
    yield store
    await store.close()


async def test_a_token_finds_its_toy_and_no_other(store):
    bear, bear_token = await issue_token(store, "Bear", 6)
    mouse, mouse_token = await issue_token(store, "Mouse", 9)
    assert (await authenticate(store, bear_token)) == bear
    assert (await authenticate(store, mouse_token)) == mouse
    mixed = bear_token.split(".")[0] + "." + mouse_token.split(".")[1]
    assert await authenticate(store, mixed) is None


async def test_tokens_have_the_documented_form(store):
    toy, token = await issue_token(store, "Bear", 6)
    toy_id, secret = token.split(".")
    assert toy_id == toy.id
    assert len(secret) == 43
    assert secret.replace("-", "").replace("_", "").isalnum()


async def test_a_removed_toy_is_not_let_in(store):
    _, token = await issue_token(store, "Bear", 6)
    await store.remove_toy("Bear")
    assert await authenticate(store, token) is None


async def test_the_secret_is_nowhere_in_the_files(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'relay.db'}")
    await store.open()
    _, token = await issue_token(store, "Bear", 6)
    secret = token.split(".")[1].encode()
    for path in tmp_path.iterdir():
        assert secret not in path.read_bytes()
    await store.close()


async def test_every_single_changed_character_is_noticed(store):
    _, token = await issue_token(store, "Bear", 6)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert await authenticate(store, token[:place] + other + token[place + 1 :]) is None
    for wrong in (token[:-1], token + "A", " " + token, token.upper(), token + "\n", "." + token):
        assert await authenticate(store, wrong) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text()
    | st.builds("{}.{}".format, st.text(max_size=9), st.text(max_size=50))
    | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Nd"]), max_size=10)
)
async def test_no_other_text_is_a_token(store, text):
    assert await authenticate(store, text) is None


async def test_very_long_tokens_cost_nothing(store):
    assert await authenticate(store, "c0ffee00." + "A" * 10_000_000) is None


async def test_unknown_ids_are_compared_as_well(store, monkeypatch):
    import hmac

    compared = []
    real = hmac.compare_digest

    def counting(one, other):
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("relay.tokens.hmac.compare_digest", counting)
    _, token = await issue_token(store, "Bear", 6)
    await authenticate(store, token)
    await authenticate(store, "c0ffee00." + "A" * 43)
    await authenticate(store, "")
    assert compared == [(32, 32)] * 3


async def test_a_toy_that_cannot_be_added_gets_no_token(store):
    with pytest.raises(StoreError):
        await issue_token(store, "Bear", 99)
    assert await store.toys() == []


def test_digests_are_sha256():
    # FIPS 180-2, appendix B.1
    assert digest("abc").hex().startswith("ba7816bf8f01cfea414140de5dae2223")
