#!/usr/bin/env python3
"""Norma beside its peers: the same models, in turn, several rounds; prints a Markdown table.

    compare.py build/release/bench/norma_bench --libtorch build/release/bench/peers/libtorch_bench

PyTorch (eager, with images channels last, and compiled), JAX, ONNX Runtime and OpenVINO take part
where the interpreter given by --python can import them; libtorch and dlib when their programs
(bench/peers) are given. Every thread setting of a peer counts, and its best one, by the median over
the rounds, stands in the table. Inference of one sample is that of Norma's folded model
(`fuse_conv_bn`). Peers that are not installed, and runs of peers that fail or hang, are named under
the table; a failure of Norma's ends the comparison.
"""
import argparse
import collections
import itertools
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import time

WORKLOADS = ("mlp_tiny", "mlp_small", "mlp_large", "cnn", "resnet20")
IMAGES = ("cnn", "resnet20")
# What the programs print, and what the table calls it.
PHASES = {"train": "train", "infer": "infer", "one": "one sample",
          "one_p99": "one sample, 99th percentile"}
THREADS = (1, 2)
PEERS = pathlib.Path(__file__).resolve().parent / "peers"

# One way to run a program: whose, with which threads, by which command and environment, and what it
# prints at least.
Run = collections.namedtuple("Run", "name setting command environment workloads phases",
                             defaults=(("train", "infer"),))

# A peer in Python: its import, the words of its command, and what it does not do.
Script = collections.namedtuple("Script", "imports command workloads phases",
                                defaults=(WORKLOADS, ("train", "infer")))
SCRIPTS = {
    "PyTorch": Script("torch", ("pytorch_bench.py",)),
    "PyTorch, channels last": Script("torch", ("pytorch_bench.py", "--channels-last"), IMAGES),
    "PyTorch, compiled": Script("torch._dynamo", ("pytorch_bench.py", "--compile")),
    "JAX": Script("jax", ("jax_bench.py",)),
    "ONNX Runtime": Script("onnx, onnxruntime", ("onnxruntime_bench.py",), phases=("infer",)),
    "OpenVINO": Script("onnx, openvino", ("openvino_bench.py",), phases=("infer",)),
}


def norma_runs(program):
    return [Run("Norma", (n,), [program, "--threads", str(n)], {}, WORKLOADS) for n in THREADS]


def script_runs(name, python):
    script = SCRIPTS[name]
    command = [python, "-B", str(PEERS / script.command[0]), *script.command[1:]]
    if name == "PyTorch":
        return torch_runs(name, command)
    return [Run(name, (n,), [*command, "--threads", str(n)],
                {"OMP_NUM_THREADS": str(n), "OMP_WAIT_POLICY": "passive"}, script.workloads,
                script.phases) for n in THREADS]


def torch_runs(name, command):
    """Its own threads and OpenBLAS's, each 1 and 2, without spinning against each other."""
    return [
        Run(name, (own, blas), [*command, "--threads", str(own)],
            {"OMP_NUM_THREADS": str(own), "OPENBLAS_NUM_THREADS": str(blas),
             "OMP_WAIT_POLICY": "passive"}, WORKLOADS)
        for own, blas in itertools.product(THREADS, THREADS)]


def dlib_runs(program):
    """Its layers run on one thread: only OpenBLAS's threads count."""
    workloads = tuple(name for name in WORKLOADS if name != "resnet20")
    return [
        Run("dlib", (1, blas), [program],
            {"OMP_NUM_THREADS": str(blas), "OPENBLAS_NUM_THREADS": str(blas),
             "OMP_WAIT_POLICY": "passive"}, workloads)
        for blas in THREADS]


def can_import(python, modules):
    try:
        return subprocess.run([python, "-c", f"import {modules}"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


class Failure(Exception):
    """A measured program that failed, hung or printed something else."""


def measure(run, workload, options):
    """{phase: milliseconds} of one process."""
    command = [*shlex.split(options.prefix), *run.command, "--seconds", str(options.seconds),
               "--blocks", str(options.blocks), workload]
    try:
        output = subprocess.run(command, env={**os.environ, **run.environment}, check=True,
                                stdout=subprocess.PIPE, text=True, timeout=options.timeout).stdout
        times = dict(line.split() for line in output.splitlines())
        return {phase: float(times[f"{workload}.{phase}"]) for phase in PHASES
                if phase in run.phases or f"{workload}.{phase}" in times}
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        expected = " and ".join(f"{workload}.{phase}" for phase in run.phases)
        raise Failure(f"expected {expected} from {shlex.join(map(str, command))}, "
                      f"got {error!r}") from error


def measure_all(runs, options):
    """{(workload, phase): {name: {setting: [milliseconds per round]}}}, and {what failed: how often}"""
    failures = collections.Counter()
    times = collections.defaultdict(
        lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
    for number in range(1, options.rounds + 1):
        for workload in options.workloads:
            # A workload's programs run close together, so that they meet the same machine.
            for run in runs:
                if workload not in run.workloads:
                    continue
                setting = ",".join(map(str, run.setting))
                try:
                    measured = measure(run, workload, options)
                except Failure as failure:
                    if run.name == "Norma":
                        sys.exit(f"compare.py: {failure}")
                    # A peer's bad run says nothing of the others.
                    print(f"compare.py: {failure}", file=sys.stderr, flush=True)
                    failures[f"{run.name}({setting}) {workload}"] += 1
                    continue
                for phase, ms in measured.items():
                    times[workload, phase][run.name][run.setting].append(ms)
                    print(f"round {number} {run.name}({setting}) {workload}.{phase} {ms:.5f}",
                          file=sys.stderr, flush=True)
                time.sleep(options.pause)
    return times, failures


def best(settings):
    """The setting with the smallest median: (milliseconds, setting)."""
    return min((statistics.median(ms), setting) for setting, ms in settings.items())


def three_digits(value):
    digits = max(0, 2 - int(f"{value:e}".split("e")[1]))
    return f"{value:.{digits}f}"


def table(times, peers):
    heads = [f"Norma, {n} thread{'s' if n > 1 else ''}" for n in THREADS]
    heads += list(peers)
    if peers:
        heads += ["Norma ÷ best peer, both on 1 thread", "Norma ÷ best peer, both on up to 2"]
    lines = ["| ms | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for phase, workload in itertools.product(PHASES, WORKLOADS):
        names = times.get((workload, phase), {})
        if "Norma" not in names:
            continue
        norma = [statistics.median(names["Norma"][(n,)]) for n in THREADS]
        cells = [three_digits(ms) for ms in norma]
        found = {peer: best(names[peer]) for peer in peers if peer in names}
        for peer in peers:
            if peer not in found:
                cells.append("–")
                continue
            ms, setting = found[peer]
            cells.append(f"{three_digits(ms)} ({', '.join(map(str, setting))})")
        for threads, ms in zip(THREADS, norma) if peers else ():
            # On as many threads at most: who trains on one asks for one.
            fair = [statistics.median(measured) for peer in found
                    for setting, measured in names[peer].items() if max(setting) <= threads]
            cells.append(f"{ms / min(fair):.2f}" if fair else "–")
        lines.append(f"| `{workload}` {PHASES[phase]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("norma_bench", help="the program norma_bench")
    parser.add_argument("--libtorch", metavar="PROGRAM", help="the program libtorch_bench")
    parser.add_argument("--dlib", metavar="PROGRAM", help="the program dlib_bench")
    parser.add_argument("--python", default=sys.executable, metavar="PROGRAM",
                        help="the interpreter that runs the peers in Python (default: this one)")
    parser.add_argument("--peers", nargs="*", default=SCRIPTS, choices=SCRIPTS, metavar="NAME",
                        help="those in Python, of " + "; ".join(SCRIPTS) + " (default: all)")
    parser.add_argument("--no-pytorch", dest="peers", action="store_const", const=(),
                        help="no peers in Python")
    parser.add_argument("--workloads", nargs="+", default=WORKLOADS, choices=WORKLOADS,
                        metavar="NAME", help=", ".join(WORKLOADS) + " (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="the median over them counts")
    parser.add_argument("--seconds", type=float, default=0.6, help="length of a timed block")
    parser.add_argument("--blocks", type=int, default=5, help="timed blocks of a process")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS",
                        help="a process that takes longer has failed")
    parser.add_argument("--pause", type=float, default=0, metavar="SECONDS",
                        help="rest after each process")
    parser.add_argument("--prefix", default="", metavar="COMMAND",
                        help="put before every measured program, such as 'chrt -f 50'")
    options = parser.parse_args()
    for name, least in (("rounds", 1), ("blocks", 1), ("pause", 0)):
        if getattr(options, name) < least:
            parser.error(f"expected --{name} of at least {least}, got {getattr(options, name)}")
    for name in ("seconds", "timeout"):
        if getattr(options, name) <= 0:
            parser.error(f"expected --{name} above 0, got {getattr(options, name)}")
    return options


def main():
    options = parse_options()
    runs = norma_runs(options.norma_bench)
    missing = [name for name in options.peers
               if not can_import(options.python, SCRIPTS[name].imports)]
    for name in missing:
        print(f"compare.py: {options.python} cannot import {SCRIPTS[name].imports}: without {name}",
              file=sys.stderr)
    for name in options.peers:
        if name not in missing:
            runs += script_runs(name, options.python)
    if options.libtorch:
        runs += torch_runs("libtorch", [options.libtorch])
    if options.dlib:
        runs += dlib_runs(options.dlib)
    peers = list(dict.fromkeys(run.name for run in runs if run.name != "Norma"))
    times, failures = measure_all(runs, options)
    print(table(times, peers))
    if peers:
        print("\nIn brackets: the peer's best setting, its own threads and OpenBLAS's. "
              f"Medians over {options.rounds} round{'s' if options.rounds > 1 else ''}.")
    if missing:
        print("\nNot installed: " + "; ".join(missing) + ".")
    if failures:
        print("Failed and left out: " + ", ".join(
            f"{what}, {count} of {options.rounds} runs" for what, count in failures.items()) + ".")


if __name__ == "__main__":
    main()
