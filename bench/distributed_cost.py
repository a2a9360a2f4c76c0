"""What training costs on many machines, from what norma_distributed measured on one and on two.

usage: distributed_cost.py NAME FIXED_MS SAMPLE_MS GRADIENT_BYTES EXTRA_MS HIDDEN [LATENCY_US [BYTE_NS]]

A step of b samples takes FIXED_MS + b * SAMPLE_MS on one machine. EXTRA_MS is what averaging takes besides the network, to
fill buckets and to empty them; HIDDEN is the share of an all-reduce that does not show in the step, but at most BACKWARD of
the step's time; LATENCY_US that of a message (default 50), BYTE_NS what a byte costs the processor on its way (default 0.3).
An all-reduce among n machines is a reduce-scatter and an all-gather: 2 log2 n rounds, in which each machine sends and
receives 2 (n - 1) / n of the gradient.

"growing": every machine has 64 samples, and n machines should do n times the work of one; the part of that which they do.
"divided": 256 samples in all; how much faster than one machine.
"""

import math
import sys

BACKWARD = 0.62
name = sys.argv[1]
fixed, sample, size, extra, hidden = map(float, sys.argv[2:7])
latency = float(sys.argv[7]) if len(sys.argv) > 7 else 50.0
byte = float(sys.argv[8]) if len(sys.argv) > 8 else 0.3


def reduction(machines, gigabits):
    sent = 2 * (machines - 1) / machines * size
    return 2 * math.log2(machines) * latency / 1e3 + sent * 8 / (gigabits * 1e6) + sent * byte / 1e6


def step(samples, machines, gigabits):
    alone = fixed + samples * sample
    travel = reduction(machines, gigabits)
    return alone + extra + max((1 - hidden) * travel, travel - BACKWARD * alone)


print(f"| {name}: machines | 1 Gbit/s: all-reduce | growing | divided | 10 Gbit/s: all-reduce | growing | divided |")
print("|---:|" + "---:|" * 6)
for machines in (2, 4, 8, 16, 32, 64, 128, 256):
    cells = []
    for gigabits in (1, 10):
        growing = (fixed + 64 * sample) / step(64, machines, gigabits)
        divided = (fixed + 256 * sample) / step(256 / machines, machines, gigabits)
        cells += [f"{reduction(machines, gigabits):.1f} ms", f"{100 * growing:.0f} %", f"{divided:.1f}"]
    print(f"| {machines} | " + " | ".join(cells) + " |")
