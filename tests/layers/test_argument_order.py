"""The same seed, the same network: a program compiled by GCC and by Clang draws the same weights.

usage: test_argument_order.py PROGRAM [THE_SAME_BY_THE_OTHER_COMPILER]      (exit code 77: there is no other here)
"""
import subprocess
import sys

results = [subprocess.run([program], capture_output=True, text=True) for program in sys.argv[1:]]
for result in results:
    print(result.stdout, result.stderr, sep="")
    if result.returncode != 0:
        sys.exit("the order of arguments changes the network")
if len(results) == 1:
    print("skipped in part: no other compiler here (g++ and clang++ are compared)")
    sys.exit(77)
if results[0].stdout != results[1].stdout:
    sys.exit("the two compilers draw other weights")
