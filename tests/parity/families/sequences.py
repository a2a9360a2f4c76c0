"""Sequences: recurrent layers and cells, packing and padding."""
import torch
from torch.nn.utils import rnn

from cases import define

FAMILY = "sequences"


def take_weights(layer, tensors):
    """The layer with these in the place of its parameters, in their order."""
    layer.to(tensors[0].dtype)
    for (name, _), tensor in zip(list(layer.named_parameters()), tensors):
        *path, own = name.split(".")
        holder = layer
        for part in path:
            holder = getattr(holder, part)
        delattr(holder, own)
        setattr(holder, own, tensor)
    return layer


def drawn_weights(d, layer, scale=0.6):
    return [d.plain(d.normal(list(p.shape), scale)) for p in layer.parameters()]


def recurrent(kind, weight):
    def draw(d):
        o = {"input_size": d.choice([1, 2, 3, 5, 17]), "hidden_size": d.choice([2, 3, 4, 7, 16, 33]),
             "num_layers": d.choice([1, 1, 1, 2, 3]), "bias": d.maybe(0.8), "batch_first": d.maybe(0.4),
             "bidirectional": d.maybe(0.4)}
        if kind is torch.nn.RNN:
            o["nonlinearity"] = d.choice(["tanh", "relu"])
        if kind is torch.nn.LSTM:
            o["proj_size"] = d.choice([0, 0, 0, 1, o["hidden_size"] - 1])
        layer = kind(**o)
        batch = d.choice([1, 2, 3, 5, 9, 17])
        # A weight's gradient is one sum over all rows here, a sum of sums in PyTorch.
        steps = d.choice([1, 2, 3, 5, 8] if batch < 9 else [1, 2, 3])
        unbatched, packed = d.maybe(0.15), d.maybe(0.3)
        o["state"] = d.maybe(0.5)
        if packed:
            lengths = [d.randint(1, steps) for _ in range(batch)]
            lengths[d.randrange(batch)] = steps
            o["enforce_sorted"] = d.maybe(0.3)
            if o["enforce_sorted"]:
                lengths.sort(reverse=True)
            o["lengths"] = lengths
        shape = [batch, steps] if o["batch_first"] else [steps, batch]
        if unbatched and not packed:
            shape, batch = [steps], None
        elif not packed and d.maybe(0.05):
            shape[0 if o["batch_first"] else 1] = batch = 0
        inputs = [d.laid_out(d.odd(d.normal(shape + [o["input_size"]])))]
        if o["state"]:
            count = o["num_layers"] * (2 if o["bidirectional"] else 1)
            middle = [] if batch is None else [batch]
            width = o.get("proj_size", 0) or o["hidden_size"]
            inputs.append(d.laid_out(d.normal([count] + middle + [width])))
            if kind is torch.nn.LSTM:
                inputs.append(d.laid_out(d.normal([count] + middle + [o["hidden_size"]])))
        states = len(inputs) - 1
        inputs += drawn_weights(d, layer, min(0.4, o["hidden_size"] ** -0.5))  # else chaotic

        def run(x):
            options = {k: v for k, v in o.items() if k not in ("state", "lengths", "enforce_sorted")}
            net = take_weights(kind(**options), x[1 + states:])
            hx = None if not states else x[1] if states == 1 else (x[1], x[2])
            y = x[0]
            if packed:
                y = rnn.pack_padded_sequence(y, torch.tensor(o["lengths"]), o["batch_first"],
                                             o["enforce_sorted"])
            y, last = net(y, hx)
            if packed:
                y = rnn.pad_packed_sequence(y, o["batch_first"])[0]
            return [y] + (list(last) if kind is torch.nn.LSTM else [last])
        return inputs, o, run
    return draw


define(FAMILY, "rnn", 14)(recurrent(torch.nn.RNN, 14))
define(FAMILY, "lstm", 24)(recurrent(torch.nn.LSTM, 24))
define(FAMILY, "gru", 16)(recurrent(torch.nn.GRU, 16))


def cell(kind):
    def draw(d):
        o = {"input_size": d.choice([1, 3, 5]), "hidden_size": d.choice([1, 2, 5, 16]), "bias": d.maybe(0.7)}
        if kind is torch.nn.RNNCell:
            o["nonlinearity"] = d.choice(["tanh", "relu"])
        layer = kind(**o)
        batch = [d.choice([0, 1, 2, 5, 11])] if d.maybe(0.8) else []
        o["state"] = d.maybe(0.6)
        inputs = [d.laid_out(d.odd(d.normal(batch + [o["input_size"]])))]
        for _ in range(o["state"] * (2 if kind is torch.nn.LSTMCell else 1)):
            inputs.append(d.laid_out(d.odd(d.normal(batch + [o["hidden_size"]]))))
        states = len(inputs) - 1
        inputs += drawn_weights(d, layer)

        def run(x):
            net = take_weights(kind(**{k: v for k, v in o.items() if k != "state"}), x[1 + states:])
            hx = None if not states else x[1] if states == 1 else (x[1], x[2])
            y = net(x[0], hx)
            return list(y) if isinstance(y, tuple) else [y]
        return inputs, o, run
    return draw


define(FAMILY, "rnn_cell", 5)(cell(torch.nn.RNNCell))
define(FAMILY, "lstm_cell", 5)(cell(torch.nn.LSTMCell))
define(FAMILY, "gru_cell", 5)(cell(torch.nn.GRUCell))


@define(FAMILY, "pack_padded_sequence", 6)
def _(d):
    steps, batch = d.randint(1, 5), d.randint(1, 5)
    o = {"batch_first": d.maybe(), "enforce_sorted": d.maybe(0.4),
         "lengths": [d.randint(1, steps) for _ in range(batch)]}
    if o["enforce_sorted"]:
        o["lengths"].sort(reverse=True)
    longest = max(o["lengths"])
    o["padding_value"] = d.choice([0.0, 0.0, -1.5, 1e30])
    o["total_length"] = d.choice([None, None, longest, longest + 2])
    shape = [batch, steps] if o["batch_first"] else [steps, batch]
    x = d.laid_out(d.odd(d.normal(shape + d.shape(most=2, empty=False, long=False))))

    def run(x):
        packed = rnn.pack_padded_sequence(x[0], torch.tensor(o["lengths"]), o["batch_first"],
                                          o["enforce_sorted"])
        y, lengths = rnn.pad_packed_sequence(packed, o["batch_first"], o["padding_value"],
                                             o["total_length"])
        outputs = [packed.data, packed.batch_sizes, y, lengths]
        # Of equal lengths, any order is right.
        if len(set(o["lengths"])) == batch and not o["enforce_sorted"]:
            outputs += [packed.sorted_indices, packed.unsorted_indices]
        else:
            outputs[0] = outputs[0].sum(0)
        return outputs
    return [x], o, run


@define(FAMILY, "pad_sequence", 5)
def _(d):
    rest = d.shape(most=2, long=False)
    o = {"batch_first": d.maybe(), "padding_value": d.choice([0.0, 2.5]), "padding_side": "right"}
    if int(torch.__version__.split(".")[0]) > 1:
        o["padding_side"] = d.choice(["right", "left"])
    inputs = [d.laid_out(d.normal([d.randint(0, 4)] + rest)) for _ in range(d.randint(1, 4))]

    def run(x):
        return [rnn.pad_sequence(list(x), **{k: v for k, v in o.items() if v != "right"})]
    return inputs, o, run
