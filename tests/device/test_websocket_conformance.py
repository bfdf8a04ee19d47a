"""The toy's WebSocket client against every Autobahn case that concerns it."""

import json
import sys
from pathlib import Path

import pytest

from tools.bench.websocket import Case, main, read_verdict


@pytest.mark.skipif(sys.version_info < (3, 11), reason="kosoku needs Python 3.11")
def test_client_passes_every_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "websocket.json"
    assert main(["--json", str(result)]) == 0, capsys.readouterr().out
    figures = json.loads(result.read_text())["figures"]
    assert figures["failed"] == 0
    assert figures["non_strict"] == 0
    assert figures["passed"] >= 240  # the suite's sections 1 to 7 and 10 have 247 cases
    assert figures["informational"] <= 3


@pytest.mark.parametrize(
    ("behaviour", "closing", "verdict", "failed"),
    [
        ("OK", "OK", "OK", False),
        ("NON-STRICT", "OK", "NON-STRICT", False),
        ("OK", "INFORMATIONAL", "INFORMATIONAL", False),
        ("FAILED", "OK", "FAILED", True),
        ("OK", "UNCLEAN", "UNCLEAN", True),
        ("NON-STRICT", "WRONG CODE", "WRONG CODE", True),
    ],
)
def test_the_worse_verdict_counts(behaviour: str, closing: str, verdict: str, failed: bool) -> None:
    case = Case("7.1.2", read_verdict(behaviour, closing))
    assert (case.verdict, case.failed, case.section) == (verdict, failed, 7)
