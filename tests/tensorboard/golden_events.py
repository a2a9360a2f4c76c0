#!/usr/bin/env python3
"""Writes golden_events.txt: what read_events.py prints of a file that PyTorch's SummaryWriter wrote.

Usage: golden_events.py FOLDER > golden_events.txt      in an empty FOLDER; needs torch, tensorboard and pillow
"""
import math
import pathlib
import subprocess
import sys

import torch
from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter(sys.argv[1])
writer.add_scalar("loss/train", 0.1, 3)
writer.add_scalar("loss/train", 1e-30, 7)
writer.add_scalar("loss/train", -math.inf, 8)
writer.add_scalar("none", 2)
writer.add_text("notes", "**bold** µ", 5)
ramp = torch.arange(60, dtype=torch.float64)
writer.add_histogram("one", torch.tensor([0.25]), 1)
writer.add_histogram("zeros", torch.zeros(5), 1)
writer.add_histogram("both", (ramp - 20) ** 3 / 7, 2)
writer.add_histogram("small", torch.tensor([1e-13, 1e-12, -1e-12, 5e-324, -3.5, 1e19], dtype=torch.float64), 2)
writer.add_histogram("whole", torch.tensor([[1, 2], [2, 300]]), 4)
picture = (ramp / 59).float()
writer.add_image("chw", picture.reshape(3, 4, 5), 1)
writer.add_image("grey", picture.reshape(1, 6, 10), 1)
writer.add_image("hw", picture.reshape(6, 10), 1, dataformats="HW")
writer.add_image("wh", picture.reshape(6, 10), 1, dataformats="WH")
writer.add_image("hwc", picture.reshape(4, 5, 3), 1, dataformats="HWC")
writer.add_image("rgba", picture.reshape(3, 5, 4), 1, dataformats="hwc")
writer.add_image("beyond", (ramp / 20 - 1).float().reshape(3, 4, 5), 1)
writer.add_image("bytes", (ramp * 5).to(torch.uint8).reshape(3, 4, 5), 1)
writer.add_images("grid", (torch.arange(10 * 2 * 2) / 39).reshape(10, 1, 2, 2), 6)
writer.add_images("colours", (torch.arange(2 * 2 * 2 * 3) / 23).reshape(2, 2, 2, 3), 6, dataformats="NHWC")
writer.close()
reader = pathlib.Path(__file__).parent / "read_events.py"
sys.stdout.write(subprocess.run([sys.executable, reader, sys.argv[1]], check=True, capture_output=True, text=True).stdout)
