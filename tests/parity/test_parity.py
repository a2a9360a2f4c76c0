#!/usr/bin/env python3
"""The program that compares must see what is wrong: test_parity.py PARITY CASES_DIR."""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM, CASES = sys.argv[1], pathlib.Path(sys.argv[2])


class Falsified(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for ending in (".json", ".safetensors"):
            shutil.copy(CASES / ("matmul" + ending), self.folder.name)
        self.path = pathlib.Path(self.folder.name, "matmul.json")

    def run_program(self):
        result = subprocess.run([PROGRAM, str(self.path)], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout

    def change(self, line, key, factor):
        """Multiplies the largest number of a stored float64 tensor."""
        path = self.path.with_suffix(".safetensors")
        data = bytearray(path.read_bytes())
        length = struct.unpack_from("<Q", data)[0]
        begin, end = json.loads(data[8:8 + length])[f"{line}.{key}"]["data_offsets"]
        count = (end - begin) // 8
        values = list(struct.unpack_from(f"<{count}d", data, 8 + length + begin))
        largest = max(range(count), key=lambda i: abs(values[i]))
        values[largest] *= factor
        struct.pack_into(f"<{count}d", data, 8 + length + begin, *values)
        path.write_bytes(data)

    def test_the_committed_cases_name_every_operation(self):
        named = set()
        for path in CASES.glob("*.json"):
            operations = [case["op"] for case in json.loads(path.read_text())["cases"]]
            named.update(f"{path.stem}/{operation}" for operation in operations)
        known = subprocess.run([PROGRAM, "-l"], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(sorted(named), known)

    def test_untouched(self):
        code, text = self.run_program()
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"matmul +\d+ ")

    def test_a_result_that_differs_in_the_tenth_digit(self):
        self.change(1, "y0", 1 + 1e-9)
        code, text = self.run_program()
        self.assertEqual(code, 1)
        self.assertIn("case 1, float64: output 0", text)
        self.assertNotIn(", float32: ", text)
        self.assertIn("1 cases failed", text)

    def test_a_gradient_that_differs_in_the_sixth_digit(self):
        self.change(2, "g1", 1 + 1e-5)
        code, text = self.run_program()
        self.assertEqual(code, 1)
        self.assertIn("case 2, float32: gradient of input 1", text)

    def test_a_result_that_differs_in_the_sixth_digit(self):
        self.change(1, "y0", 1 + 1e-5)
        code, text = self.run_program()
        self.assertEqual(code, 1)
        self.assertIn("case 1, float32: output 0", text)

    def test_a_result_that_is_not_finite(self):
        for factor in (float("nan"), float("inf")):
            self.change(1, "y0", factor)
            code, text = self.run_program()
            self.assertEqual(code, 1)
            self.assertIn("case 1, float64: output 0", text)
            self.assertIn("case 1, float32: output 0", text)

    def edit(self, change):
        description = json.loads(self.path.read_text())
        change(description["cases"][0])
        self.path.write_text(json.dumps(description))
        code, text = self.run_program()
        self.assertEqual(code, 1)
        return text

    def test_an_unknown_operation(self):
        text = self.edit(lambda case: case.update(op="divination"))
        self.assertIn("matmul/divination, case 0, float64: throws no such operation here", text)

    def test_an_output_too_many(self):
        text = self.edit(lambda case: case["outputs"].append({"float32_error": 0}))
        self.assertIn("gives 1 outputs, expected 2", text)

    def test_a_gradient_that_norma_does_not_have(self):
        text = self.edit(lambda case: case["inputs"][0].update(grad=False))
        self.assertIn("gradient of input 0: there is none", text)

    def test_another_shape(self):
        text = self.edit(lambda case: case["inputs"][0]["views"].append(["select", 0, 0]))
        self.assertIn("float64, expected [", text)

    def test_a_gradient_that_pytorch_does_not_have(self):
        text = self.edit(lambda case: case["inputs"][0].pop("float32_error"))
        self.assertIn("gradient of input 0: PyTorch has none", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
