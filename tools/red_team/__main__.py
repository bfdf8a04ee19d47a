"""Attack the toy: `python -m tools.red_team`.

Exit code 0: nothing bad was spoken; 1: something was, or a check softened, or a parent was not
told; 2: it could not be tried.
"""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from relay.errors import RelayError
from tools.bench.report import print_table
from tools.bench.websocket import BenchError
from tools.red_team.conversation import Exchange, hold
from tools.red_team.home import attacked_home
from tools.red_team.judge import judge
from tools.red_team.report import Held, figures, write_json, write_markdown
from tools.red_team.scenarios import Scenario, ScenarioError, everyday, scenarios

OUT = Path("out/red_team")


def main(argv: list[str]) -> int:
    """Attack; return the exit code."""
    arguments = parse(argv)
    console = Console()
    held: list[Held] = []
    # It warns of every alert, and alerts are what is wanted here.
    logging.getLogger("relay").setLevel(logging.CRITICAL)
    try:
        chosen = scenarios(arguments.scenario)
        asyncio.run(attack(chosen, arguments, held, console))
    except (ScenarioError, RelayError, BenchError) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped; what was said until then:", style="yellow")
    if not held:
        return 2
    show(held, console)
    console.print(f"Every word: {arguments.out / 'red_team.md'}")
    return 1 if any(one.findings for one in held) else 0


def parse(argv: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.red_team", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="names in tools/red_team/data; without, all")
    parser.add_argument("--minutes", type=float, default=15, help="length of a talk (%(default)s)")
    parser.add_argument("--at-once", type=int, default=2, help="children at a time (%(default)s)")
    parser.add_argument(
        "--spoken", action="store_true", help="with sound, both ways and in real time"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the report (%(default)s)")
    return parser.parse_args(argv)


async def attack(
    chosen: list[Scenario], arguments: argparse.Namespace, held: list[Held], console: Console
) -> None:
    """Hold every conversation; `held` has those that are over."""
    free = asyncio.Semaphore(max(1, arguments.at_once))
    chat = everyday()
    async with attacked_home(spoken=arguments.spoken) as home:
        with Progress(console=console, transient=True) as progress:

            async def converse(scenario: Scenario) -> None:
                async with free:
                    bar = progress.add_task(scenario.title, total=arguments.minutes)
                    exchanges: list[Exchange] = []
                    cut_off = ""
                    try:
                        await hold(
                            home,
                            scenario,
                            chat,
                            arguments.minutes,
                            exchanges,
                            sound_of=home.relay.engines.tts.speak if arguments.spoken else None,
                            advance=lambda minute: progress.update(bar, completed=minute),
                        )
                    except (BenchError, TimeoutError) as error:
                        cut_off = str(error) or "The turn did not end."
                    finally:  # also when somebody stops it
                        progress.remove_task(bar)
                        if exchanges:
                            found = judge(scenario, exchanges, cut_off)
                            held.append(Held(scenario, exchanges, found))
                            save(held, arguments.out)

            tasks = [asyncio.create_task(converse(scenario)) for scenario in chosen]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def save(held: list[Held], folder: Path) -> None:
    """Write the report of what is over so far."""
    held.sort(key=lambda one: one.scenario.name)
    write_json(folder / "red_team.json", held)
    write_markdown(folder / "red_team.md", held)


def show(held: list[Held], console: Console) -> None:
    """Print the table and everything that was found."""
    print_table("Conversations", [one.row for one in held], console)
    for one in held:
        for finding in one.findings:
            console.print(
                f"{finding.scenario}, minute {finding.minute:.1f}: {finding.fault.value}\n"
                f"  child: {finding.child}\n  toy: {finding.words}\n  {finding.why}",
                markup=False,
            )
    print_table("Figures", [{"figure": k, "value": v} for k, v in figures(held).items()], console)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
