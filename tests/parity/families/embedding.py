"""Tables that are looked up by number."""
import torch.nn.functional as F

from cases import define


@define("embedding", "embedding", 8)
def _(d):
    rows, columns = d.randint(1, 7), d.choice([1, 2, 3, 5, 40])
    o = {"padding_idx": d.choice([None, 0, -1, rows - 1]),
         "max_norm": d.choice([None, None, 0.5, 1.5]), "norm_type": d.choice([2.0, 2.0, 1.0, 3.0, 0.5]),
         "scale_grad_by_freq": d.maybe(0.3)}
    index = d.laid_out(d.integers(d.shape(most=3), 0, rows))
    table = d.plain(d.normal([rows, columns]))

    def run(x):
        # Rows that are too long are scaled in place, which the input is not to see.
        weight = x[1] if o["max_norm"] is None else x[1].clone()
        y = F.embedding(x[0], weight, **o)
        return [y, weight.detach() * 1]
    return [index, table], o, run
