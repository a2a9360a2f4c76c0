"""What the peers' programs in Python share: the workloads, options, timing and output of norma_bench."""
import argparse
import time

# Name: sizes of the inputs, number of classes (bench/models.cpp).
WORKLOADS = {
    "mlp_tiny": ((32, 2), 2),
    "mlp_small": ((64, 784), 10),
    "mlp_large": ((256, 784), 10),
    "cnn": ((64, 1, 28, 28), 10),
    "resnet20": ((64, 3, 32, 32), 10),
}
HIDDEN = {"mlp_tiny": 16, "mlp_small": 128, "mlp_large": 1024}  # features of the MLPs
LABEL_SETS = 64  # as in bench/timing.h


def warm_up(call, seconds):
    """Calls for a third of that time, and at least three times; gives the number of calls."""
    start = time.perf_counter()
    calls = 0
    while calls < 3 or time.perf_counter() - start < seconds / 3:
        call()
        calls += 1
    return calls


def milliseconds(call, blocks, seconds):
    """bench/timing.h, in Python."""
    calls = warm_up(call, seconds)
    batch = max(1, calls // 50)
    medians = []
    for _ in range(blocks):
        start = time.perf_counter()
        done = 0
        elapsed = 0.0
        while elapsed < seconds:
            for _ in range(batch):
                call()
            done += batch
            elapsed = time.perf_counter() - start
        medians.append(1e3 * elapsed / done)
    return sorted(medians)[blocks // 2]


def latency(call, blocks, seconds):
    """Median and 99th percentile of single calls, in milliseconds (bench/timing.h)."""
    warm_up(call, seconds)
    clock = time.perf_counter_ns
    start = last = clock()
    times = []
    while len(times) < 100 or (len(times) < 100_000 and last - start < 1e9 * blocks * seconds):
        call()
        now = clock()
        times.append(now - last)
        last = now
    times.sort()
    return 1e-6 * times[len(times) // 2], 1e-6 * times[len(times) * 99 // 100]


def run(name, steps, blocks, seconds):
    """`steps` has `training()`, where it trains, and `inference(batch)`: each makes the call to time."""
    if hasattr(steps, "training"):
        print(f"{name}.train {milliseconds(steps.training(), blocks, seconds):.5f}", flush=True)
    batch = WORKLOADS[name][0][0]
    print(f"{name}.infer {milliseconds(steps.inference(batch), blocks, seconds):.5f}", flush=True)
    median, p99 = latency(steps.inference(1), blocks, seconds)
    print(f"{name}.one {median:.5f}\n{name}.one_p99 {p99:.5f}", flush=True)


def timing_parser(description, blocks, seconds):
    """A parser with the options of bench/options.h."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, help="how many it computes on")
    parser.add_argument("--blocks", type=int, default=blocks,
                        help="timed blocks; the median counts")
    parser.add_argument("--seconds", type=float, default=seconds, help="length of a block")
    return parser


def parse_options(description, flags=()):
    """`flags` are more options, as (name, help)."""
    parser = timing_parser(description, blocks=5, seconds=0.6)
    for flag, text in flags:
        parser.add_argument(flag, action="store_true", help=text)
    parser.add_argument("workload", nargs="*", metavar="workload", help=", ".join(WORKLOADS))
    options = parser.parse_args()
    unknown = set(options.workload) - set(WORKLOADS)
    if unknown:
        parser.error(f"expected workloads among {', '.join(WORKLOADS)}, got {', '.join(unknown)}")
    options.workload = options.workload or list(WORKLOADS)
    return options
