"""What torch.testing.assert_close says, case by case: writes golden_assert_close.txt beside this file (PyTorch 2.15)."""
import pathlib
import re

import torch
from torch.testing import assert_close

T, nan, inf = torch.tensor, float("nan"), float("inf")
f64, f32, i32, i64, u8, b = torch.float64, torch.float32, torch.int32, torch.int64, torch.uint8, torch.bool
grid = torch.arange(24, dtype=f32).reshape(2, 3, 4)
moved = grid.clone()
moved[1, 2, 3] += 0.5
moved[0, 0, 1] += 0.25
loose = dict(rtol=0.1, atol=0.0)

# name: actual, expected, options; the same list stands in test_assert_close.cpp
CASES = {
    "equal": (grid, grid.clone(), {}),
    "two of 24": (moved, grid, {}),
    "two of 24, float64": (moved.to(f64), grid.to(f64), {}),
    "within": (moved, grid, dict(rtol=0.0, atol=0.5)),
    "one within": (moved, grid, dict(rtol=0.0, atol=0.3)),
    "relative": (T([1.0, 2.0, 4.0]), T([1.05, 2.5, 4.0]), loose),
    "at the bound": (T([1.5]), T([1.0]), dict(rtol=0.0, atol=0.5)),
    "default float32, close": (T([1.0 + 1e-6]), T([1.0]), {}),
    "default float32, small": (T([9e-6]), T([0.0]), {}),
    "default float32, not": (T([1.0 + 2e-5]), T([1.0]), {}),
    "default float64, not": (T([1.0 + 1e-6], dtype=f64), T([1.0], dtype=f64), {}),
    "default float64, close": (T([1.0 + 1e-7], dtype=f64), T([1.0], dtype=f64), {}),
    "zero expected": (T([1.0, 0.0]), T([0.0, 0.0]), {}),
    "exact": (T([1.0, 2.0]), T([1.0, 2.5]), dict(rtol=0.0, atol=0.0)),
    "nan": (T([1.0, nan]), T([1.0, nan]), {}),
    "equal_nan": (T([1.0, nan]), T([1.0, nan]), dict(equal_nan=True)),
    "nan and a number": (T([1.0, nan, 3.0]), T([1.5, 2.0, 9.0]), dict(equal_nan=True)),
    "number and nan": (T([1.0, 2.0]), T([1.0, nan]), {}),
    "infinities": (T([inf, -inf]), T([inf, -inf]), {}),
    "opposite infinities": (T([inf, 1.0]), T([-inf, 1.0]), {}),
    "infinite and not": (T([inf, 1.0]), T([5.0, 1.0]), dict(rtol=inf, atol=0.0)),
    "not and infinite": (T([5.0, 1.0]), T([inf, 1.0]), {}),
    "int64": (T([1, 2, 9]), T([1, 3, 5]), {}),
    "int64 within": (T([1, 2, 9]), T([1, 3, 8]), dict(rtol=0.0, atol=1.0)),
    "int32": (T([1, 2], dtype=i32), T([1, 0], dtype=i32), {}),
    "uint8": (T([200, 2], dtype=u8), T([100, 2], dtype=u8), {}),
    "bool": (T([True, False]), T([True, True]), {}),
    "0-d": (T(1.5), T(1.0), {}),
    "0-d float64": (T(0.1, dtype=f64), T(0.0, dtype=f64), {}),
    "0-d exact": (T(1.5), T(1.0), dict(rtol=0.0, atol=0.0)),
    "0-d nan": (T(nan), T(nan), {}),
    "0-d int": (T(7), T(2), {}),
    "0-d bool": (T(True), T(False), {}),
    "empty": (torch.empty(0, 3), torch.empty(0, 3), {}),
    "empty, other shape": (torch.empty(0, 3), torch.empty(3, 0), {}),
    "shapes": (torch.zeros(2), torch.zeros(2, 1), {}),
    "dtypes": (torch.zeros(2), torch.zeros(2, dtype=f64), {}),
    "dtypes not asked": (T([1.0 + 1e-6]), T([1.0], dtype=f64), dict(check_dtype=False)),
    "dtypes not asked, not close": (T([1, 2]), T([1.0, 2.5]), dict(check_dtype=False)),
    "strides not asked": (grid.transpose(0, 1), grid.transpose(0, 1).contiguous(), {}),
    "strides": (T([[1.0, 2.0], [3.0, 4.0]]).t(), T([[1.0, 3.0], [2.0, 4.0]]), dict(check_stride=True)),
    "transposed": (moved.transpose(0, 2), grid.transpose(0, 2).contiguous(), {}),
    "requires_grad": (T([1.0], requires_grad=True) * 3, T([3.5]), {}),
    "small numbers": (T([1e-7, 3e-8], dtype=f64), T([1e-7, 0.0], dtype=f64), dict(rtol=0.0, atol=1e-9)),
    "large numbers": (T([1e20], dtype=f64), T([3e22], dtype=f64), {}),
    "msg": (T([1.0]), T([2.0]), dict(msg="the step was wrong")),
    "floats": (0.5, 0.25, {}),
    "floats close": (0.5, 0.5 + 1e-8, {}),
    "floats nan": (nan, nan, {}),
    "floats equal_nan": (nan, nan, dict(equal_nan=True)),
    "floats infinite": (inf, inf, {}),
    "float and zero": (0.5, 0.0, {}),
    "ints": (3, 5, {}),
    "ints within": (3, 5, dict(rtol=0.0, atol=2.0)),
    "int and float": (3, 3.0, {}),
    "int and float, types not asked": (3, 3.0, dict(check_dtype=False)),
    "int and float, not close": (3, 3.5, dict(check_dtype=False)),
    "bools": (True, False, {}),
    "bools equal": (True, True, {}),
    "list": ([T([1.0]), T([2.0, 3.0])], [T([1.0]), T([2.0, 4.0])], {}),
    "list of floats": ([1.0, 2.0, 3.0], [1.0, 2.0, 3.5], {}),
    "lengths": ([1.0, 2.0], [1.0], {}),
    "nested": ([[T([1.0])], [T([2.0]), 5]], [[T([1.0])], [T([2.0]), 6]], {}),
    "nested lengths": ([[1.0], [2.0]], [[1.0], [2.0, 3.0]], {}),
    "mapping": ({"w": T([1.0]), "b": T([2.0])}, {"w": T([1.0]), "b": T([2.5])}, {}),
    "mapping, other order": ({"b": T([2.0]), "w": T([1.0])}, {"w": T([1.0]), "b": T([2.0])}, {}),
    "keys": ({"w": T([1.0]), "c": T([2.0])}, {"w": T([1.0]), "b": T([2.0])}, {}),
    "list of mappings": ([{"w": T([1.0])}], [{"w": T([2.0])}], {}),
}


def said(actual, expected, options):
    try:
        assert_close(actual, expected, **options)
    except AssertionError as error:
        return str(error)
    return ""


def as_norma(message):
    message = re.sub(r"torch\.Size\((\[.*?\])\)", r"\1", message)
    message = re.sub(r"<class '(\w+)'>", r"\1", message)
    message = re.sub(r"\['(\w+)'\]", r'["\1"]', message)
    return message.replace("torch.", "")


if __name__ == "__main__":
    with open(pathlib.Path(__file__).with_name("golden_assert_close.txt"), "w") as file:
        for name, case in CASES.items():
            file.write(f"=== {name}\n{as_norma(said(*case))}\n")
