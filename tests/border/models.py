"""The models of models.h as a PyTorch user writes them, and what both sides do with them."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

NAMES = ("mlp", "cnn", "resnet20", "resnet18", "sequences")
INPUT_SHAPES = {
    "mlp": (784,), "cnn": (1, 28, 28), "resnet20": (3, 16, 16), "resnet18": (3, 48, 48), "sequences": (7, 3),
    "narrow_mlp": (6,), "narrow_cnn": (1, 8, 8), "narrow_resnet20": (3, 8, 8), "narrow_resnet18": (3, 36, 36),
    "narrow_sequences": (5, 3),
}


def class_count(name):
    return 4 if name.startswith("narrow_") else 1000 if name == "resnet18" else 10


def mlp(inputs, hidden, classes):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, classes))


class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU())

    def forward(self, x):
        return self.block(x)


def cnn(channels, features, classes):
    return nn.Sequential(
        ConvBlock(1, channels), nn.MaxPool2d(2), ConvBlock(channels, 2 * channels), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(0.25), nn.Linear(features, classes))


class BasicBlock(nn.Module):
    """`projection` is the name of what stands in the shortcut where the shape changes."""

    def __init__(self, in_channels, out_channels, stride, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels))
        self.projection = projection
        self.add_module(projection, shortcut)

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + getattr(self, self.projection)(x))


def stage(count, in_channels, out_channels, stride, projection):
    first = BasicBlock(in_channels, out_channels, stride, projection)
    return [first] + [BasicBlock(out_channels, out_channels, 1, projection) for _ in range(count - 1)]


class ResNet20(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.blocks = nn.Sequential(
            *stage(3, width, width, 1, "shortcut"), *stage(3, width, 2 * width, 2, "shortcut"),
            *stage(3, 2 * width, 4 * width, 2, "shortcut"))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, classes))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


class ResNet18(nn.Module):
    """torchvision's, for where it is absent and for other widths."""

    def __init__(self, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(*stage(2, width, width, 1, "downsample"))
        self.layer2 = nn.Sequential(*stage(2, width, 2 * width, 2, "downsample"))
        self.layer3 = nn.Sequential(*stage(2, 2 * width, 4 * width, 2, "downsample"))
        self.layer4 = nn.Sequential(*stage(2, 4 * width, 8 * width, 2, "downsample"))
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Sequences(nn.Module):
    """Of everything that reads sequences one."""

    def __init__(self, width, classes):
        super().__init__()
        self.lstm = nn.LSTM(3, width, num_layers=2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(2 * width, 2 * width, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(
            2 * width, 2, 3 * width, dropout=0.0, activation="gelu", batch_first=True)
        self.cell = nn.RNNCell(2 * width, width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        y, _ = self.lstm(x)
        y, _ = self.gru(y)
        return self.fc(self.cell(self.encoder(y).mean(1)))


def torchvision_resnet18():
    """None where torchvision is absent."""
    try:
        import torchvision
    except ImportError:
        return None
    return torchvision.models.resnet18(num_classes=1000)


def make(name):
    if name == "resnet18":
        return torchvision_resnet18() or ResNet18(64, 1000)
    return {
        "mlp": lambda: mlp(784, 128, 10), "cnn": lambda: cnn(32, 3136, 10), "resnet20": lambda: ResNet20(16, 10),
        "narrow_mlp": lambda: mlp(6, 16, 4), "narrow_cnn": lambda: cnn(4, 32, 4),
        "narrow_resnet20": lambda: ResNet20(2, 4), "narrow_resnet18": lambda: ResNet18(2, 4),
        "sequences": lambda: Sequences(16, 10), "narrow_sequences": lambda: Sequences(2, 4),
    }[name]()


def batches(name, steps, batch_size, dtype=torch.float32):
    return {"input": torch.randn(steps, batch_size, *INPUT_SHAPES[name], dtype=dtype),
            "labels": torch.randint(class_count(name), (steps, batch_size))}


def follow(model, input, labels):
    """See models.h."""
    answers = {}

    def evaluate():
        model.eval()
        with torch.no_grad():
            return model(input[0])

    def keep_state(prefix):
        answers.update({prefix + key: tensor.detach().clone() for key, tensor in model.state_dict().items()})

    answers["eval"] = evaluate()
    model.train()
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    losses = []
    for step, (x, y) in enumerate(zip(input, labels)):
        optimizer.zero_grad()
        output = model(x)
        loss = F.cross_entropy(output, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if step == 0:
            answers["train"] = output.detach()
            keep_state("state1.")
    answers["losses"] = torch.stack(losses)
    keep_state("state.")
    answers["eval_after"] = evaluate()
    return answers


def names(model):
    """Key, dtype and shape of all that the model saves, in order, as `border names` prints them."""
    return [f"{key} {str(value.dtype).replace('torch.', '')} {list(value.shape)}"
            for key, value in model.state_dict().items()]


def fresh(name, dtype=torch.float32):
    """A model with values that training leaves: statistics of data, no BatchNorm at ones and zeros."""
    model = make(name).to(dtype)
    follow(model, **batches(name, 2, 8, dtype))
    for key, parameter in model.named_parameters():
        if parameter.dim() == 1:
            nn.init.uniform_(parameter, *(-0.2, 0.2) if key.endswith("bias") else (0.5, 1.5))
    return model


class TooNear(Exception):
    pass


def is_clear(model, input, labels, margin):
    """Whether every input of a ReLU is so far from zero, and the largest two of each pooling window from each other.

    Where they are nearer than rounding errors, these decide which way a gradient goes, and no two programs agree.
    """

    def check(distances):
        if distances.numel() and distances.abs().min() < margin:
            raise TooNear

    def at_relu(module, inputs):
        if module.training:
            check(inputs[0])

    def at_pool(module, inputs):
        if module.training:
            x = inputs[0].flatten(0, 1).unsqueeze(1)
            windows = F.unfold(x, module.kernel_size, stride=module.stride, padding=module.padding)
            first, second = windows.topk(2, dim=1).values.unbind(1)
            check((first - second)[first > 0])  # among zeros the first wins on both sides

    twin = copy.deepcopy(model).double()
    for part in twin.modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_pre_hook(at_relu)
        elif isinstance(part, nn.MaxPool2d):
            part.register_forward_pre_hook(at_pool)
    try:
        follow(twin, input.double(), labels)
    except TooNear:
        return False
    return True


def clear_batches(model, name, steps, batch_size):
    """Batches for which rounding decides nothing; Norma has no part in the choice."""
    dtype = next(model.parameters()).dtype
    for _ in range(100):
        drawn = batches(name, steps, batch_size, dtype)
        # Rounding in float64 is far too small to matter.
        if dtype == torch.float64 or is_clear(model, **drawn, margin=3e-6):
            return drawn
    raise RuntimeError(f"{name}: no such batches in 100 attempts")
