"""The tables at the end of docs/from-pytorch.md, PyTorch's column. test_differences.cpp has Norma's.

usage: test_differences.py      (exit code 77: no PyTorch here)
"""
import pathlib
import sys
import tempfile
import unittest
import warnings

try:
    import torch
except ImportError:
    print("skipped: no PyTorch")
    sys.exit(77)

import torch.nn as nn
import torch.nn.functional as F

try:
    from safetensors.torch import save_file
except ImportError:
    from safetensors_standin import save_file

BEFORE_2 = torch.__version__.startswith("1.")


class Differences(unittest.TestCase):
    def test_modules(self):
        layer = nn.Linear(2, 3)
        layer.weight = nn.Parameter(torch.ones(3, 2))
        self.assertTrue(torch.equal(next(layer.parameters()), torch.ones(3, 2)))
        bn = nn.BatchNorm1d(2)
        self.assertRaises(ValueError, bn, torch.ones(1, 2))
        self.assertEqual(bn.num_batches_tracked, 1)
        net = nn.Sequential(bn).eval().train()
        self.assertTrue(net[0].training)

    @unittest.skipUnless(BEFORE_2, "measured with PyTorch 1.13")
    def test_batch_norm_with_a_large_mean(self):
        torch.manual_seed(0)
        x = torch.randn(256, 1) + 1e4
        error = (nn.BatchNorm1d(1)(x).double() - nn.BatchNorm1d(1).double()(x.double())).abs().max().item()
        self.assertGreater(error, 1e-3)
        self.assertLess(error, 1e-2)

    def test_tensors(self):
        torch.zeros([1] * 64)
        self.assertEqual(repr(torch.zeros(2).double()), "tensor([0., 0.], dtype=torch.float64)")
        x = torch.arange(4)
        with self.assertRaises(RuntimeError):
            x[1:].copy_(x[:3])

    def test_gradients(self):
        wide = torch.tensor([float("inf"), 2, 3], requires_grad=True)
        wide.prod().backward()
        self.assertTrue(wide.grad[0].isnan())
        x = torch.ones(2, requires_grad=True)
        out = nn.Sequential(nn.BatchNorm1d(2), nn.ReLU())(torch.ones(3, 2, requires_grad=True))
        out.mul_(2)
        with self.assertRaises(RuntimeError):
            out.sum().backward()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autograd.detect_anomaly():
                (x - 1).log()  # -inf, in forward
                (x - 1).log().sum().backward()  # an infinite gradient
                with self.assertRaises(RuntimeError):
                    (x * 0 - 1).sqrt().sum().backward()

    def test_losses(self):
        for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss):
            with self.assertWarns(UserWarning):
                self.assertEqual(loss(torch.ones(3, 1), torch.ones(3), reduction="none").shape, (3, 3))
        F.cross_entropy(torch.ones(3, 2), torch.zeros(3, dtype=torch.uint8))
        x = torch.tensor([-100.0], requires_grad=True)
        loss = F.soft_margin_loss(x, torch.ones(1))
        loss.backward()
        self.assertEqual(loss.item(), float("inf"))
        self.assertTrue(x.grad.isnan().all())
        x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        F.hardsigmoid(x).backward()
        self.assertNotAlmostEqual(x.grad.item(), 1 / 6, places=10)

    @unittest.skipUnless(BEFORE_2, "measured with PyTorch 1.13")
    def test_what_1_13_refuses(self):
        x, whole = torch.zeros(3, requires_grad=True), torch.tensor([1, 1, 0])
        self.assertRaises(RuntimeError, F.mse_loss(x, whole).backward)
        self.assertRaises(RuntimeError, F.binary_cross_entropy_with_logits, x, whole)
        self.assertRaises(ValueError, torch.optim.SGD, [x])

    def test_training(self):
        data = torch.utils.data.TensorDataset(torch.arange(100))
        orders = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            orders.append(next(iter(torch.utils.data.DataLoader(data, batch_size=100, shuffle=True)))[0].tolist())
        self.assertEqual(orders[0], orders[1])
        self.assertNotEqual(orders[0], orders[2])

        w = torch.ones(1, requires_grad=True)
        (w * 3).sum().backward()
        self.assertIsInstance(nn.utils.clip_grad_norm_([w], 1.0), torch.Tensor)
        sgd = torch.optim.SGD([w], lr=0.1)
        sgd.step(lambda: (w * w).sum())
        sgd.zero_grad()
        self.assertEqual(w.grad is None, not BEFORE_2)
        adam = torch.optim.Adam([w])
        (w * w).sum().backward()
        adam.step()
        adam.param_groups[0]["amsgrad"] = True
        self.assertRaises(KeyError, adam.step)
        layer = nn.Linear(2, 2)
        layer(torch.ones(1, 2)).sum().backward()
        self.assertEqual(layer.double().weight.grad.dtype, torch.float64)

    @unittest.skipUnless(BEFORE_2, "later versions may refuse it")
    def test_a_parameter_twice(self):
        w = torch.ones(1, requires_grad=True)
        with self.assertWarns(UserWarning):
            torch.optim.SGD([w, w], lr=0.1)

    def test_files(self):
        layer = nn.Linear(2, 3)
        with self.assertRaises(RuntimeError):
            layer.load_state_dict({"bias": torch.ones(3)})
        self.assertTrue(torch.equal(layer.bias, torch.ones(3)))
        with self.assertRaises(RuntimeError):
            layer.load_state_dict({"weight": torch.ones(5, 2), "bias": torch.ones(3)}, strict=False)
        tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        tied[1].weight = tied[0].weight
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(RuntimeError):
            save_file(tied.state_dict(), pathlib.Path(folder) / "tied.safetensors")


if __name__ == "__main__":
    unittest.main(verbosity=2)
