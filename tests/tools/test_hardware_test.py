"""The hardware test itself: a whole virtual run, a run on a pseudo-terminal, and its report."""

import html.parser
import json

import pytest

from tests.tools.pty_board import PtyBoard
from tools.flash.console import Console
from tools.hardware_test import __main__ as hardware_test
from tools.hardware_test.board_bench import SCRIPTS
from tools.hardware_test.checks import bring_up, heap, safety, signal, sound
from tools.hardware_test.report import Report
from tools.hardware_test.result import Check, Verdict
from tools.virtual_toy.flash import make_flash

HOME = [{"ssid": "home", "password": "correct horse"}]
OWN_SETTINGS = '{"volume": 33}'
SIX = [
    "Five networks",
    "Signal strength",
    "A question and its answer",
    "Child safety",
    "Memory",
    "Link for hours",
]


def read(folder):
    return json.loads((folder / "report.json").read_text())


def verdicts(report):
    return {row["check"]: row["verdict"] for row in report["rows"]}


class Page(html.parser.HTMLParser):
    """Collects what a page would fetch, and whether its tags are closed."""

    def __init__(self):
        super().__init__()
        self.fetched, self.open, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "!doctype"):
            self.open.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def page_of(text):
    page = Page()
    page.feed(text)
    assert not page.open
    assert not page.fetched
    return page


@pytest.mark.timeout(400)
def test_a_whole_virtual_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(signal, "LEVELS_DBM", (-48, -62))
    monkeypatch.setattr(sound, "ASKED", (0,))
    assert hardware_test.main(["--virtual", "--hours", "0.002", "--out", str(tmp_path)]) == 0
    report = read(tmp_path)
    found = verdicts(report)
    assert report["mode"] == "virtual"
    assert [found[title] for title in SIX] == ["passed"] * 4 + ["partly", "passed"]
    # What only a board can tell is never claimed.
    assert {found[title] for title in found if title not in SIX} == {"not run"}
    assert len(found) == len(SIX) + 5
    assert report["figures"]["networks_joined"] == 5
    assert report["figures"]["rules_kept"] == 4
    assert report["figures"]["reconnect_s_max"] < 30
    page = page_of((tmp_path / "report.html").read_text())
    assert "proves nothing about" in page.text
    assert "Report:" in capsys.readouterr().out
    assert "I want to die" not in (tmp_path / "relay.log").read_text()


@pytest.mark.timeout(400)
def test_a_run_on_a_serial_port(tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "SAMPLES", 3)
    monkeypatch.setattr(heap, "ROUNDS", 4)
    monkeypatch.setattr(safety, "SHUT_OUT_S", 3)
    networks = tmp_path / "networks.json"
    networks.write_text(json.dumps(HOME))
    make_flash(tmp_path / "flash", OWN_SETTINGS)
    out = tmp_path / "out"
    with PtyBoard(tmp_path) as board:
        words = ["--port", board.port, "--hours", "0.0005", "--networks", str(networks)]
        assert hardware_test.main([*words, "--out", str(out)]) == 0
    found = verdicts(read(out))
    assert [found[title] for title in SIX] == [
        "partly", "partly", "not run", "passed", "passed", "passed",
    ]  # fmt: skip
    assert {found[title] for title in found if title not in SIX} == {"passed"}
    # The toy is as it was.
    assert (tmp_path / "flash" / "settings.json").read_text() == OWN_SETTINGS
    assert (tmp_path / "flash" / "main.py").exists()
    written = (out / "report.json").read_text() + (out / "relay.log").read_text()
    assert "correct horse" not in written


def test_a_speaker_whose_samples_are_swapped_is_found_out(tmp_path):
    make_flash(tmp_path / "flash", OWN_SETTINGS)
    script = "BOARD_NAME = None\n" + (SCRIPTS / "sound.py").read_text()
    with PtyBoard(tmp_path, order="swapped") as board, Console(board.port) as console:
        console.take_over()
        found = json.loads(console.run(script, bring_up.SCRIPT_S))
    assert bring_up.tx_order(found).verdict is Verdict.FAILED
    assert "swapped" in bring_up.tx_order(found).why
    assert bring_up.drain(found).verdict is Verdict.PASSED


def test_a_toy_without_networks_is_told_what_to_do(tmp_path, capsys):
    make_flash(tmp_path / "flash", None)
    with PtyBoard(tmp_path) as board:
        assert hardware_test.main(["--port", board.port, "--out", str(tmp_path / "out")]) == 1
    assert "make flash" in capsys.readouterr().out


def test_a_wrong_file_of_networks_is_told(tmp_path, capsys):
    wrong = tmp_path / "networks.json"
    wrong.write_text('{"ssid": "home"}')
    words = ["--virtual", "--networks", str(wrong), "--out", str(tmp_path)]
    assert hardware_test.main(words) == 1
    assert "is not a list like" in " ".join(capsys.readouterr().out.split())


SOUND = {"tone_db": -12.0, "noise_db": -70.0, "image_db": -60.0}


@pytest.mark.parametrize(
    ("check", "found", "verdict"),
    [
        (bring_up.tx_order, SOUND, Verdict.PASSED),
        (bring_up.tx_order, {**SOUND, "image_db": -19.0}, Verdict.FAILED),
        (bring_up.tx_order, {**SOUND, "noise_db": -20.0}, Verdict.FAILED),
        (bring_up.tx_order, {"error": "sound.py did not run"}, Verdict.FAILED),
        (bring_up.drain, {"drain_ms_max": 64}, Verdict.PASSED),
        (bring_up.drain, {"drain_ms_max": None}, Verdict.FAILED),
        (bring_up.junk, {"junk_ms": 260, "noise_db": -70.0, "offset": 3, "stuck": False},
         Verdict.PASSED),
        (bring_up.junk, {"junk_ms": 480, "noise_db": -70.0, "offset": 3, "stuck": False},
         Verdict.FAILED),
        (bring_up.junk, {"junk_ms": 0, "noise_db": -96.0, "offset": 0, "stuck": True},
         Verdict.FAILED),
        (bring_up.heap, {"heap_free": 9000, "heap_used": 90000, "heap_largest": 4000},
         Verdict.FAILED),
        (bring_up.tls, {"idf_free": 60000, "idf_largest": 12000}, Verdict.FAILED),
    ],
)  # fmt: skip
def test_what_a_board_says_is_judged(check, found, verdict):
    assert check(found).verdict is verdict


def test_the_report_shows_what_it_is_given_and_nothing_else():
    hostile = Check("<b>T</b>", Verdict.FAILED, "a & b", {"x_ms": 1.5}, [{"ssid": "<script>"}])
    report = Report(False, {"toy": "<img src=x>"}, [hostile], 0.0, 3.0)
    page = page_of(report.as_html())
    assert "<script>" in page.text
    assert "A & b" in page.text
    assert report.failed
    assert json.loads(report.as_json())["figures"] == {"x_ms": 1.5}
