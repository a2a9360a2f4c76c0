"""Tables of torchinfo for test_summary.cpp: golden_summary.py > golden_summary.txt

With torchinfo 1.8.0 and PyTorch 2.15.
"""

import torch
from torch import nn
from torchinfo import summary
from torchinfo.layer_info import LayerInfo


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)) + x)


class Net(nn.Module):
    """A list that is never called itself, a module that runs three times, frozen and own parameters."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3, 1, 1))
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU())
        self.blocks = nn.ModuleList([Block(8), Block(8)])
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 8), nn.Linear(8, 5))
        for parameter in self.stem.parameters():
            parameter.requires_grad = False
        self.head[2].bias.requires_grad = False

    def forward(self, x):
        x = self.stem(x * self.scale)
        for block in self.blocks:
            x = block(x)
        x = self.blocks[0](self.blocks[0](x))
        return self.head(x)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(1000, 16)
        self.lstm = nn.LSTM(16, 12, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(24, 10, batch_first=True)
        self.head = nn.Linear(10, 4)

    def forward(self, tokens):
        x, _ = self.lstm(self.embedding(tokens))
        _, h = self.gru(x)
        return self.head(h[-1])


class Signals(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 5, groups=2)
        self.up = nn.ConvTranspose1d(6, 3, 4, stride=2)
        self.norm = nn.GroupNorm(3, 3)
        self.act = nn.PReLU()
        self.mix = nn.Linear(54, 7)
        self.layer_norm = nn.LayerNorm(7)
        self.cell = nn.GRUCell(21, 9)

    def forward(self, x):
        x = self.layer_norm(self.mix(self.act(self.norm(self.up(self.conv(x))))))
        return self.cell(x.flatten(1))


MODELS = {
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Dropout(), nn.Flatten(), nn.Linear(32 * 14 * 14, 1000)),
        torch.zeros(64, 1, 28, 28)),
    "net": (Net, torch.zeros(4, 3, 32, 32)),
    "words": (Words, torch.zeros(7, 11, dtype=torch.int64)),
    "signals": (Signals, torch.zeros(5, 4, 30)),
}
COLUMNS = ["input_size", "output_size", "num_params", "params_percent", "mult_adds", "trainable"]



def mult_adds(layer, reached_max_depth):
    """torchinfo's, but with the sum for a list, too, that is never called itself."""
    if layer.is_leaf_layer:
        total = layer.macs
    else:
        total = sum(child.macs for child in layer.children if child.is_leaf_layer) if reached_max_depth else 0
    return f"{total:,}" if total > 0 else "--"


LayerInfo.macs_to_str = mult_adds

for name, (make, x) in MODELS.items():
    for depth, width, names in [(3, 25, False), (2, 22, True), (1, 18, False), (0, 20, True)]:
        text = str(summary(make(), input_data=x, col_names=COLUMNS, depth=depth, col_width=width, verbose=0,
                           row_settings=["depth", "var_names"] if names else ["depth"]))
        model = type(make()).__name__  # which has no name in Norma
        text = text.replace(f"{model} ({model})", model.ljust(2 * len(model) + 3), 1)
        text = text.replace("(Units.MEGABYTES)", "(M)")  # under Python 3.11 and later
        print(f"@ {name} {depth} {width} {int(names)}\n{text}")
