#!/usr/bin/env python3
"""Writes golden_elementary.txt: exp, log and their kin, computed to 60 digits by the decimal module and by series.

Usage: golden_elementary.py > golden_elementary.txt
"""
import random
from decimal import Decimal, getcontext

getcontext().prec = 60
ONE, TWO = Decimal(1), Decimal(2)


def arctan_inverse(n):
    """arctan(1/n), for Machin's formula."""
    term = total = ONE / n
    for k in range(1, 100):
        term = -term / (n * n)
        total += term / (2 * k + 1)
    return total


PI = 4 * (4 * arctan_inverse(5) - arctan_inverse(239))


def tanh(x):
    # e^2x - 1 loses digits near 0; those of 2x more digits make up for it.
    with_more = getcontext().copy()
    with_more.prec = 420
    e = with_more.exp(with_more.multiply(TWO, x))
    return with_more.divide(with_more.subtract(e, ONE), with_more.add(e, ONE))


def cos(x):
    getcontext().prec = 90
    x = x.remainder_near(2 * PI)
    term = total = ONE
    k = 0
    while abs(term) > Decimal("1e-80"):
        k += 2
        term = -term * x * x / (k * (k - 1))
        total += term
    getcontext().prec = 60
    return total


def log1p(x):
    with_more = getcontext().copy()
    with_more.prec = 420
    return with_more.ln(with_more.add(ONE, x))


def power(x, p):
    return (p * x.ln()).exp()


def main():
    random.seed(1)

    def spread(low, high, count=60):
        """Numbers whose magnitudes are spread from low to high."""
        return [random.choice((-1, 1)) * low * (high / low) ** random.random() for _ in range(count)]

    arguments = {
        "exp": spread(1e-20, 708) + [1.0, -1.0, 0.34657359027997264, -740.0],
        "log": [abs(x) for x in spread(1e-300, 1e300)] + [1 + x for x in spread(1e-16, 0.5)],
        "log1p": spread(1e-300, 0.99) + [abs(x) for x in spread(0.5, 1e10)],
        "tanh": spread(1e-100, 25),
        "cos": spread(1e-9, 1e4) + spread(1e4, 1.9e7) + [226636.06488729196],
    }
    functions = {"exp": Decimal.exp, "log": Decimal.ln, "log1p": log1p, "tanh": tanh, "cos": cos}
    for name, values in arguments.items():
        for x in values:
            print(name, "|", x.hex(), float(functions[name](Decimal(x))).hex())
    for x in [abs(x) for x in spread(1e-8, 1e8)]:
        for p in spread(1e-3, 30, 2):
            print("pow |", x.hex(), p.hex(), float(power(Decimal(x), Decimal(p))).hex())
    for x in [abs(x) for x in spread(1e-8, 1e8, 20)]:
        p = random.uniform(500, 700) / abs(float(Decimal(x).ln()))
        print("pow |", x.hex(), p.hex(), float(power(Decimal(x), Decimal(p))).hex())
    for x, p in [(0.9, 1000), (0.999, 100000), (2.0, 0.5), (10.0, 22), (3.0, -2)]:
        print("pow |", x.hex(), float(p).hex(), float(power(Decimal(x), Decimal(p))).hex())


main()
