# path: tools/virtual_toy/board
"""The form and the pages of the set-up, and what they say when something is wrong."""

import os

from device.backoff import random_below
from device.portal import form, key, page
from device.portal.key import KEY_LETTERS, LETTERS, make_key
from device.portal.verdict import Verdict, of_close, words_of
from device.protocol import Close
from device.wifi_outcome import Outcome
from tests.device.check import equal, raises

FOUND = [
    {"ssid": "home", "rssi": -50, "security": "wpa2"},
    {"ssid": "cafe", "rssi": -80, "security": "open"},
    {"ssid": "old", "rssi": -70, "security": "wep"},
]
CODE = "K7QF2M9DX4TQ"
GOOD = {
    "ssid": "home",
    "password": "correct horse",
    "relay": "ws://192.168.1.10:8765",
    "token": "a.token",
    "age": "7",
    "ceiling": "80",
}
NIGHT = {"night_from": "19:30", "night_until": "07:00", "night_ceiling": "20"}


def night(**changed):
    fields = dict(NIGHT)
    fields.update(changed)
    return fields


def test_a_form_is_decoded():
    equal(
        form.parse(b"ssid=my+caf%C3%A9%26%3d&age=7&empty=&&plain"),
        {"ssid": "my café&=", "age": "7", "empty": "", "plain": ""},
    )
    equal(form.parse(b""), {})


def test_what_is_no_form_is_refused():
    for body in (
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%+1",
        b"a=%ff",
        b"a=%c0%80",  # an overlong zero
        b"a=%ed%a0%80",  # a surrogate
        b"a=%00",
        b"a=%e2%82",  # cut off
        b"n" * 33 + b"=1",
        b"a=" + b"x" * 6001,
        b"&".join(b"f%d=1" % number for number in range(21)),
    ):
        raises(form.FormError, form.parse, body)


def test_no_body_breaks_the_form():
    for _ in range(1000):
        body = bytes(b"%&=+a7c\xc3"[random_below(8)] for _ in range(random_below(40)))
        try:
            for name, value in form.parse(body).items():
                assert isinstance(name, str) and isinstance(value, str)
        except form.FormError:
            pass


def test_a_good_form_gives_settings():
    fields, problems = form.apply(GOOD, {}, FOUND)
    equal(problems, [])
    equal(
        fields,
        {
            "networks": [{"ssid": "home", "password": "correct horse"}],
            "allow_insecure_wifi": False,
            "relay": "ws://192.168.1.10:8765/toy",
            "token": "a.token",
            "age": 7,
            "volume_ceiling": 80,
        },
    )


def test_each_mistake_is_named_and_the_rest_is_kept():
    for changed, words in (
        ({"ssid": ""}, "Choose your Wi-Fi"),
        ({"other": "x" * 33}, "Choose your Wi-Fi"),
        ({"password": ""}, "Enter the password of the Wi-Fi network home"),
        ({"password": "short"}, "8 to 64"),
        ({"ssid": "cafe", "password": ""}, "anybody nearby"),
        ({"ssid": "old"}, "anybody nearby"),
        ({"relay": " "}, "address of the relay"),
        ({"relay": "http://host/"}, "must begin with ws://"),
        ({"relay": "host:99999"}, "port"),
        ({"relay": "wss://host/toy"}, "certificate"),
        ({"relay": "wss://host/toy", "certificate": "AAAA"}, "certificate"),
        ({"token": ""}, "pairing code"),
        ({"token": "two words"}, "pairing token"),
        ({"code": "K7QF"}, "12 letters"),
        ({"code": "K7QF-2M9D-X4TZ"}, "slip of the pen"),
        ({"code": "K7QF-2M9D-X4T!"}, "no code has"),
        ({"code": CODE}, "needs wss://"),
        ({"age": ""}, "age"),
        ({"age": "2"}, "age"),
        ({"age": "14"}, "age"),
        ({"age": "７"}, "age"),
        ({"age": "-7"}, "age"),
        ({"ceiling": "101"}, "loud"),
        ({"ceiling": ""}, "loud"),
        (night(night_until=""), "or neither"),
        (night(night_from=" "), "or neither"),
        (night(night_from="half past"), "like 19:30"),
        (night(night_from="24:00"), "like 19:30"),
        (night(night_from='"><script>'), "like 19:30"),
        (night(night_until="19:30"), "another time"),
        (night(night_ceiling="200"), "loud the toy may get at night"),
        ({"sleep": "1441"}, "goes to sleep"),
        ({"sleep": "soon"}, "goes to sleep"),
    ):
        entered = dict(GOOD)
        entered.update(changed)
        fields, problems = form.apply(entered, {}, FOUND)
        equal(len(problems), 1, str(changed) + str(problems))
        assert words in problems[0], (changed, problems)
        for secret in (entered["password"], entered["token"]):
            assert not secret or secret not in problems[0], problems
        assert "<script" not in "".join(page.form_page(FOUND, fields, problems))


def test_night_and_sleep_can_be_set_and_taken_back():
    entered = dict(GOOD)
    entered.update(NIGHT)
    entered["sleep"] = "60"
    fields, problems = form.apply(entered, {}, FOUND)
    equal(problems, [])
    equal((fields["night_from"], fields["night_until"]), ("19:30", "07:00"))
    equal((fields["night_volume_ceiling"], fields["sleep_minutes"]), (20, 60))
    shown = "".join(page.form_page(FOUND, fields))
    assert 'type="time" value="19:30"' in shown and 'value="60" selected' in shown
    kept, _ = form.apply(GOOD, fields, FOUND)  # a form that does not ask
    equal((kept["night_from"], kept["sleep_minutes"]), ("19:30", 60))
    entered.update({"night_from": "", "night_until": "", "sleep": ""})
    fields, problems = form.apply(entered, fields, FOUND)
    equal(problems, [])
    assert not {"night_from", "night_until", "sleep_minutes"} & set(fields)
    assert 'value="07:00"' in "".join(page.form_page([], {"night_until": "7:00"}))


def test_a_code_takes_the_place_of_address_token_and_certificate():
    entered = dict(GOOD, relay="", token="", code=" k7qf 2m9d-x4t" + CODE[-1].lower())
    fields, problems = form.apply(entered, {"relay": "ws://old/toy", "token": "old"}, FOUND)
    equal(problems, [])
    equal((fields["pairing_code"], fields["token"]), (CODE, "old"))
    assert "relay" not in fields
    fields, problems = form.apply(dict(GOOD, token=""), fields, FOUND)
    equal(problems, [])
    assert "pairing_code" not in fields  # none was typed this time


def test_an_open_network_can_be_allowed():
    entered = dict(GOOD, ssid="cafe", password="", open="yes")
    fields, problems = form.apply(entered, {}, FOUND)
    equal(problems, [])
    equal((fields["networks"][0]["password"], fields["allow_insecure_wifi"]), ("", True))


def test_empty_fields_keep_what_was_there():
    base, _ = form.apply(GOOD, {"volume": 30, "board": "esp32-devkit"}, FOUND)
    fields, problems = form.apply(dict(GOOD, password="", token="", age="9"), base, FOUND)
    equal(problems, [])
    equal(fields, dict(base, age=9))


def test_a_new_network_joins_those_that_are_known():
    base = {}
    for number in range(7):
        base, problems = form.apply(dict(GOOD, other=f"net{number}"), base, FOUND)
        equal(problems, [])
    equal([one["ssid"] for one in base["networks"]], ["net6", "net5", "net4", "net3", "net2"])


def test_addresses_are_completed():
    for typed, whole in (
        ("192.168.1.10", "wss://192.168.1.10:8765/toy"),
        (" relay.local ", "wss://relay.local:8765/toy"),
        ("host:9000", "wss://host:9000/toy"),
        ("host/other", "wss://host:8765/other"),
        ("Wss://host/", "wss://host/toy"),
        ("ws://host:80/toy", "ws://host:80/toy"),
    ):
        equal(form.complete_address(typed), whole)


def test_pages_show_strangers_as_text():
    hostile = "</option><script>'\"&"
    found = [{"ssid": hostile, "rssi": -50, "security": "wpa2"}]
    fields = {"networks": [{"ssid": hostile + "2", "password": "secret word"}]}
    fields.update({"relay": hostile, "token": "secret token", "age": 5})
    shown = "".join(page.form_page(found, fields, (hostile,), ("bad", "advice")))
    assert "<script" not in shown
    assert "secret" not in shown
    equal(shown.count("&lt;/option&gt;&lt;script&gt;&#39;&quot;&amp;"), 6)
    assert "<script" not in "".join(page.trying_page(hostile, "192.168.4.1"))


def test_pages_take_what_a_broken_file_says():
    for fields in (
        {},
        {"age": "x", "volume_ceiling": "loud", "relay": 5},
        {"volume_ceiling": 33},
        {"night_from": 7, "night_until": None, "night_volume_ceiling": "x", "sleep_minutes": "x"},
    ):
        shown = "".join(page.form_page([], fields))
        assert shown.endswith("</html>\n")
        assert "<form" in shown


def test_every_failure_has_words():
    for kind in (Outcome, Verdict):
        for name in dir(kind):
            value = getattr(kind, name)
            if name[0] != "_" and value not in (Outcome.CONNECTED, Verdict.GOOD):
                what, advice = words_of(value)
                assert what.endswith(".") and advice.endswith("."), value
                assert not set("<&") & set(what + advice), what  # they go into the page as they are


def test_close_codes_have_verdicts():
    equal(of_close(Close.NOT_AUTHORISED), Verdict.TOKEN)
    equal(of_close(Close.AGE_GATE), Verdict.AGE)
    equal(of_close(Close.FULL), Verdict.BUSY)
    equal(of_close(1006), Verdict.NO_WELCOME)


def test_keys_are_random_and_easy_to_type():
    equal(len(set(LETTERS)), 32)
    keys = set()
    for _ in range(50):
        made = make_key(os.urandom(KEY_LETTERS))
        equal(len(made), KEY_LETTERS)
        assert all(letter in LETTERS for letter in made)
        keys.add(made)
    equal(len(keys), 50)


def test_the_key_can_be_read_by_a_cable_and_stays():
    said = []
    key.print = said.append
    key.show()
    key.show()
    equal(said[:4], said[4:])
    network_name = said[0].split(": ")[1]
    password = said[1].split(": ")[1]
    equal((network_name, len(password)), (key.toy_name(), KEY_LETTERS))
    assert said[3].endswith(f"WIFI:T:WPA;S:{network_name};P:{password};;"), said[3]
