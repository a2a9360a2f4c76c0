#!/usr/bin/env python3
"""Single layers and operations: Norma beside PyTorch, in turn, several rounds; prints a Markdown table.

    compare_operations.py build/release/bench/norma_operations --python /usr/bin/python3

Both programs stay open and answer one line of operations.txt after the other, so that both meet the
same machine. A ratio is the median over the rounds of Norma's time by PyTorch's in the same round; below
1 Norma is faster.
"""
import argparse
import collections
import operator
import os
import pathlib
import shlex
import statistics
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent
PHASES = ("forward", "forward and backward")
Result = collections.namedtuple("Result", "line phase threads norma pytorch ratio")


class Program:
    """A program that answers lines."""

    def __init__(self, command, threads, options, environment):
        self.command = [*shlex.split(options.prefix), *map(str, command),
                        "--list", "-", "--threads", str(threads),
                        "--seconds", str(options.seconds), "--blocks", str(options.blocks)]
        self.environment = {**os.environ, **environment}
        self.process = None

    def milliseconds(self, line):
        """Those of the forward pass, and of forward and backward or None."""
        try:
            if not self.process:
                self.process = subprocess.Popen(self.command, env=self.environment, text=True,
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answered, *times = self.process.stdout.readline().rstrip("\n").split("\t")
            if answered == line and len(times) == 2:
                return [None if ms == "-" else float(ms) for ms in times]
        except (OSError, ValueError):
            pass
        sys.exit(f"compare_operations.py: expected times of '{line}' from "
                 f"{shlex.join(self.command)}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(lines, threads, options):
    environment = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    programs = [Program([options.norma_operations], threads, options, {}),
                Program([options.python, BENCH / "peers" / "pytorch_operations.py"], threads,
                        options, environment)]
    results = []
    for line in lines:
        rounds = [[program.milliseconds(line) for program in programs]
                  for _ in range(options.rounds)]
        for i, phase in enumerate(PHASES):
            norma, pytorch = ([times[side][i] for times in rounds] for side in (0, 1))
            if None not in norma + pytorch:
                results.append(Result(
                    line, phase, threads, statistics.median(norma), statistics.median(pytorch),
                    statistics.median(a / max(b, 1e-5) for a, b in zip(norma, pytorch))))
                print("\t".join(map(str, results[-1])), file=sys.stderr, flush=True)
    for program in programs:
        program.close()
    return results


ratio = operator.attrgetter("ratio")


def median_ratio(results):
    return f"{statistics.median(map(ratio, results)):.2f}"


def slower_ones(results, limit):
    return sum(ratio(result) > limit for result in results)


def count_threads(n):
    return f"{n} thread{'s' if n > 1 else ''}"


def summary(results, limit):
    return (f"{len(results)} measurements, median ratio {median_ratio(results)}, "
            f"{slower_ones(results, limit)} above {limit}")


def table(results, limit):
    """A row for each kind of operation, that with the worst case first."""
    threads = list(dict.fromkeys(result.threads for result in results))
    kinds = collections.defaultdict(list)
    for result in results:
        kinds[result.line.split()[0]].append(result)
    heads = [f"{what}, {count_threads(n)}" for what in ("median ratio", f"above {limit}")
             for n in threads]
    lines = ["| operation | measured | " + " | ".join(heads) + " | worst ratio | of |",
             "|---|---:|" + "---:|" * len(heads) + "---:|---|"]
    for kind, members in sorted(kinds.items(), key=lambda item: -max(map(ratio, item[1]))):
        by_threads = [[member for member in members if member.threads == n] for n in threads]
        cells = [*map(median_ratio, by_threads),
                 *(str(slower_ones(some, limit)) for some in by_threads)]
        worst = max(members, key=ratio)
        lines.append(f"| {kind} | {len(by_threads[0])} | " + " | ".join(cells)
                     + f" | {ratio(worst):.2f} | `{worst.line}` {worst.phase}, "
                     f"{count_threads(worst.threads)} |")
    return "\n".join(lines)


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("norma_operations", help="the program norma_operations")
    parser.add_argument("word", nargs="*", help="only lines that contain one of these words")
    parser.add_argument("--list", default=BENCH / "operations.txt", type=pathlib.Path,
                        metavar="FILE", help="the list of operations")
    parser.add_argument("--python", default=sys.executable, metavar="PROGRAM",
                        help="the interpreter that has PyTorch (default: this one)")
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2), metavar="N")
    parser.add_argument("--rounds", type=int, default=3, help="the median over them counts")
    parser.add_argument("--seconds", type=float, default=0.03, help="length of a timed block")
    parser.add_argument("--blocks", type=int, default=3, help="timed blocks of a measurement")
    parser.add_argument("--slower", type=float, default=1.05, metavar="RATIO",
                        help="counts as slower above this ratio")
    parser.add_argument("--times", type=pathlib.Path, metavar="FILE",
                        help="writes every measurement, the largest ratio first")
    parser.add_argument("--prefix", default="", metavar="COMMAND",
                        help="put before both programs, such as 'chrt -f 50'")
    options = parser.parse_intermixed_args()
    for name in ("rounds", "blocks", "seconds", "slower"):
        if getattr(options, name) <= 0:
            parser.error(f"expected --{name} above 0, got {getattr(options, name)}")
    return options


def main():
    options = parse_options()
    words = options.word or [""]
    lines = [line for line in options.list.read_text().splitlines()
             if line and line[0] != "#" and any(word in line for word in words)]
    if not lines:
        sys.exit(f"compare_operations.py: expected lines of {options.list} with one of the words, "
                 "got none")
    results = []
    for threads in options.threads:
        found = measure(lines, threads, options)
        print(f"{count_threads(threads)}: {summary(found, options.slower)}.", flush=True)
        results += found
    print(f"\n{table(results, options.slower)}")
    if options.times:
        options.times.write_text("".join(
            f"{result.line}\t{result.phase}\t{result.threads}\t{result.norma:.5f}"
            f"\t{result.pytorch:.5f}\t{ratio(result):.2f}\n"
            for result in sorted(results, key=ratio, reverse=True)))


if __name__ == "__main__":
    main()
