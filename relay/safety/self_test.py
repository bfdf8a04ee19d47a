"""The self-test at start: what must be caught is caught, what must pass passes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relay.age import AgeBand
from relay.safety.errors import SafetyError
from relay.safety.finding import Side
from relay.safety.verdict import Action, Alert, Verdict

if TYPE_CHECKING:
    from relay.safety.filter import Filter

_FEWEST_SAMPLES = 10  # of each kind and side: an emptied file must not pass for a tested one


def run(filter_: "Filter", tables: Mapping[str, Any], *, replies: bool = True) -> None:
    """Try the samples of data/self_test.toml in every band; SafetyError if one goes wrong.

    `replies` says whether to try all reviewed replies too. Sealing does; at a start they are the
    sealed ones, judged by sealed rules and arrays, and would only take seconds again.
    """
    samples = tables.get("self_test", {})
    for side in Side:
        for kind in ("must_stop", "must_pass"):
            texts = samples.get(side.value, {}).get(kind, ())
            if len(texts) < _FEWEST_SAMPLES:
                raise SafetyError(f"self_test.toml: too few samples in [{side.value}] {kind}")
            for text in texts:
                for band in AgeBand:
                    stopped = _verdict(filter_, side, text, band).action is not Action.ALLOW
                    if stopped is not (kind == "must_stop"):
                        # Samples are ours, not a child's: they may be told.
                        raise SafetyError(
                            f"safety self-test: {text!r} ({side.value}, ages {band.value}) "
                            f"{'was stopped' if stopped else 'got through'}"
                        )
    for alert in (Alert.SELF_HARM, Alert.ABUSE, Alert.DANGER):
        texts = samples.get("alerts", {}).get(alert.value, ())
        if not texts:
            raise SafetyError(f"self_test.toml: no samples for the alert {alert.value}")
        for text in texts:
            if _verdict(filter_, Side.HEARD, text, AgeBand.AGES_6_TO_8).alert is not alert:
                raise SafetyError(f"safety self-test: {text!r} raised no alert {alert.value}")
    if replies:
        _check_replies(filter_)


def _check_replies(filter_: "Filter") -> None:
    """A reviewed reply must itself be fit to be said."""
    for topic, bands in filter_.replies.topics.items():
        for band, lines in bands.items():
            for line in lines:
                verdict = filter_.said(line, band)
                if verdict.action is not Action.ALLOW:
                    raise SafetyError(
                        f"replies.toml: [{topic}] for ages {band.value} "
                        f"is stopped by {verdict.rule}"
                    )


def _verdict(filter_: "Filter", side: Side, text: str, band: AgeBand) -> Verdict:
    return filter_.heard(text, band) if side is Side.HEARD else filter_.said(text, band)
