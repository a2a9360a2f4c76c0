"""Runs docs/from-pytorch.md: its Python as one session, its C++ programs in between, in the order of the page.

usage: test_page.py BORDER_PROGRAM FOLDER_OF_DOCS_PROGRAMS PAGE      (exit code 77: no PyTorch here)
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types
import unittest

try:
    import torch
except ImportError:
    print("skipped: no PyTorch")
    sys.exit(77)

import models
import safetensors_standin as standin

try:
    import safetensors.torch
except ImportError:  # the page's imports then find the stand-in
    package, module = types.ModuleType("safetensors"), types.ModuleType("safetensors.torch")
    module.load_file, module.save_file = standin.load_file, standin.save_file
    package.torch = module
    sys.modules.update({"safetensors": package, "safetensors.torch": module})

BORDER, PROGRAMS, PAGE = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])


def blocks():
    """Line, language and text of every fenced block with a language."""
    lines = PAGE.read_text().splitlines()
    found, start = [], None
    for number, line in enumerate(lines, 1):
        if start is None and (match := re.fullmatch(r"```(\w.*)", line)):
            start, language = number + 1, match.group(1)
        elif start is not None and line == "```":
            found.append((start, language, "\n".join(lines[start - 1:number - 1])))
            start = None
    return found


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(scratch.name)
        cls.session = {"__name__": "page"}
        cls.programs = []
        for line, language, text in blocks():
            if language == "python":
                exec(compile(text, f"{PAGE.name}, block at line {line}", "exec"), cls.session)
            elif language == "cpp no-run":
                name = f"docs_{PAGE.stem.replace('-', '_')}_line_{line}"
                run = subprocess.run([PROGRAMS / name], capture_output=True, text=True)
                if run.returncode:
                    raise AssertionError(f"{name}: {run.returncode}\n{run.stdout}\n{run.stderr}")
                cls.programs.append(run.stdout)

    def test_the_programs_agree(self):
        (said,) = self.programs
        self.assertLess(float(re.fullmatch(r".* largest answer: (\S+)\n", said).group(1)), 1e-5)
        for name in ("net", "trained", "batch", "norma"):
            standin.read_file(f"{name}.safetensors")

    def test_an_optimiser_goes_on_on_the_other_side(self):
        """The page's functions for its memory, in float64."""
        optimisers = [("SGD", {"lr": 0.05, "momentum": 0.9}), ("Adam", {"amsgrad": True}), ("AdamW", {}),
                      ("Adagrad", {"eps": 1e-3}), ("Adamax", {"eps": 1e-3}), ("RAdam", {})]
        if int(torch.__version__.split(".")[0]) > 1:  # before, their counts are no tensors; NAdam's formula differs
            optimisers += [("RMSprop", {"eps": 1e-3, "momentum": 0.9, "centered": True}), ("Adadelta", {}), ("NAdam", {})]
        for kind, options in optimisers:
            with self.subTest(kind):
                torch.manual_seed(0)
                model = models.fresh("narrow_mlp", torch.float64).train()
                optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
                batches = models.batches("narrow_mlp", 3, 8, torch.float64)

                def step(i):
                    optimizer.zero_grad()
                    torch.nn.functional.cross_entropy(model(batches["input"][i]), batches["labels"][i]).backward()
                    optimizer.step()

                def check(path):
                    theirs = model.state_dict()
                    ours = standin.load_file(path)
                    self.assertEqual(ours.keys(), theirs.keys())
                    for key, tensor in theirs.items():
                        error = (ours[key] - tensor).abs().max() / tensor.abs().max()
                        self.assertLess(error.item(), 1e-10, key)

                standin.save_file(batches, "batches")
                standin.save_file(model.state_dict(), "start")
                subprocess.run([BORDER, "halfway", "narrow_mlp", kind, "start", "batches", "run", "end"], check=True)
                self.session["load_checkpoint"]("run", model, optimizer)
                step(2)
                check("end")

                self.session["save_optimizer"]("memory", model, optimizer)
                standin.save_file(model.state_dict(), "middle")
                subprocess.run([BORDER, "resume", "narrow_mlp", kind, "middle", "memory", "batches", "end"], check=True)
                for i in range(3):
                    step(i)
                check("end")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
