"""Run benchmarks: `python -m tools.bench` lists them, `python -m tools.bench NAME ...` runs one."""

import importlib
import sys

# Each is a module here with `main(argv: list[str]) -> int`, and takes `--help` and `--json FILE`.
BENCHES = {
    "device": "the firmware's budgets: all benches of the device in one table",
    "dsp": "the toy's work on one frame of sound, viper against plain Python",
    "heap": "where every kilobyte of the toy's memory goes, at 32-bit object sizes",
    "latency": "from a spoken question to the toy's answer: every stage's time, and words misheard",
    "load": "a hundred idle toys, and eight children who ask in the same second",
    "memory": "the relay's memory over hundreds or thousands of turns",
    "outages": "turns across relay restarts and lost Wi-Fi: none lost without a word",
    "page": "the parent's page with a year of data, and live views of a hundred toys",
    "performance": "docs/performance.md made anew from the JSON of latency, load and memory",
    "recognition": "words misheard by our Whisper and by plain faster-whisper, side by side",
    "reconnect": "from a working network to an answered hello, after four kinds of trouble",
    "safety": "bad talk stopped, good talk wrongly stopped, milliseconds a sentence",
    "sound": "how long sound stays in the toy, and what a frame leaves to clear up",
    "websocket": "the toy's WebSocket client against the Autobahn cases",
}


def main(argv: list[str]) -> int:
    """Run the bench that the first argument names with the others; return a shell exit code."""
    if not argv or argv[0] in {"-h", "--help"}:
        print("usage: python -m tools.bench NAME [--json FILE] [...]\n")
        for name, title in BENCHES.items():
            print(f"  {name:<12} {title}")
        print("\npython -m tools.bench NAME --help tells the arguments of one.")
        return 0
    name = argv[0]
    if name not in BENCHES:
        print(f"There is no bench {name!r}; there are: {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    run = importlib.import_module(f"tools.bench.{name}").main
    return int(run(argv[1:]))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
