"""Measure the filter on exemplars of templates that nothing was learned from."""

import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from relay.age import AgeBand
from relay.safety.filter import Filter
from relay.safety.finding import Side
from relay.safety.verdict import Action
from tools.train_safety.exemplars import Exemplar


def report(console: Console, filter_: Filter, exemplars: Sequence[Exemplar]) -> None:
    """Print what share of `exemplars` is stopped, by category, and the time a check takes."""
    stopped: Counter[tuple[str, str]] = Counter()
    by_meaning: Counter[tuple[str, str]] = Counter()
    count: Counter[tuple[str, str]] = Counter()
    milliseconds = []
    for number, each in enumerate(exemplars):
        youngest, oldest = each.ages
        age = youngest + number % (min(oldest, each.until) - youngest + 1)
        began = time.perf_counter()
        check = filter_.heard if each.side is Side.HEARD else filter_.said
        verdict = check(each.text, AgeBand.of(age))
        milliseconds.append((time.perf_counter() - began) * 1000)
        about = each.category.value if each.category else each.source
        for key in (
            (each.side.value, f"{each.action.value}: {about}"),
            (each.side.value, f"{each.action.value}: all"),
        ):
            count[key] += 1
            stopped[key] += verdict.action is not Action.ALLOW
            by_meaning[key] += verdict.rule.startswith("meaning.")
    table = Table("side", "what", "sentences", "stopped", "by the classifier alone or first")
    for key in sorted(count):
        share = 100 * stopped[key] / count[key]
        table.add_row(*key, str(count[key]), f"{share:.1f} %", str(by_meaning[key]))
    console.print(table)
    milliseconds.sort()
    console.print(
        f"a check takes {milliseconds[len(milliseconds) // 2]:.1f} ms (median), "
        f"{milliseconds[len(milliseconds) * 95 // 100]:.1f} ms (95 of 100)"
    )
