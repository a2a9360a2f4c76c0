"""Attention: as a function, as a layer, in Transformers."""
import torch
import torch.nn.functional as F

from cases import define

from .sequences import drawn_weights, take_weights

FAMILY = "attention"
NEW = int(torch.__version__.split(".")[0]) > 1


def reference(q, k, v, attn_mask=None, is_causal=False, scale=None):
    """F.scaled_dot_product_attention for versions without it."""
    scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return scores.softmax(-1) @ v


def bool_mask(d, shape, seen=0.7, leave_one=True):
    """True where something is seen: by every row at least one, unless told otherwise."""
    mask = d.numpy.uniform(size=shape) < seen
    if leave_one and mask.size:
        mask[..., d.randrange(shape[-1])] = True
    return mask


@define(FAMILY, "scaled_dot_product_attention", 14)
def _(d):
    batch = [d.choice([1, 2, 3]) for _ in range(d.randint(0, 2))]
    length, keys = d.choice([1, 2, 5, 9]), d.choice([1, 3, 7, 20])
    width, values = d.choice([1, 2, 4, 9, 33]), d.choice([1, 3, 8])
    o = {"is_causal": d.maybe(0.3), "scale": d.choice([None, None, 0.5]), "mask": "none"}
    inputs = [d.laid_out(d.normal(batch + [length, width])), d.laid_out(d.normal(batch + [keys, width])),
              d.laid_out(d.normal(batch + [keys, values]))]
    if not o["is_causal"]:
        o["mask"] = d.choice(["none", "bool", "float"])
    shape = d.choice([[length, keys], batch + [length, keys], batch + [1, keys]])
    if o["mask"] == "bool":
        inputs.append(d.plain(bool_mask(d, shape, leave_one=not NEW or d.maybe(0.7)), grad=False))
    if o["mask"] == "float":
        inputs.append(d.laid_out(d.normal(shape), grad=d.maybe()))

    def run(x):
        options = {"attn_mask": x[3] if len(x) > 3 else None, "is_causal": o["is_causal"], "scale": o["scale"]}
        return [(F.scaled_dot_product_attention if NEW else reference)(*x[:3], **options)]
    return inputs, o, run


@define(FAMILY, "multihead_attention", 24)
def _(d):
    heads = d.choice([1, 2, 3])
    embed = heads * d.choice([1, 2, 5, 8])
    own_sizes = d.maybe(0.3)
    o = {"embed_dim": embed, "num_heads": heads, "bias": d.maybe(0.7), "add_bias_kv": d.maybe(0.2),
         "add_zero_attn": d.maybe(0.2), "kdim": d.choice([1, 3]) if own_sizes else None,
         "vdim": d.choice([None, 4]) if own_sizes else None, "batch_first": d.maybe(0.5)}
    layer = torch.nn.MultiheadAttention(**o)
    batch, length, keys = d.choice([1, 2, 4]), d.choice([1, 2, 6]), d.choice([1, 3, 8])
    call = {"need_weights": d.maybe(0.5), "average_attn_weights": d.maybe(0.5)}
    single = d.maybe(0.2)

    def shape(time, width):
        return [time, width] if single else [batch, time, width] if o["batch_first"] else [time, batch, width]
    inputs = [d.laid_out(d.normal(shape(length, embed))), d.laid_out(d.normal(shape(keys, o["kdim"] or embed))),
              d.laid_out(d.normal(shape(keys, o["vdim"] or embed)))]
    call["attn_mask"], call["key_padding_mask"] = d.maybe(0.5), d.maybe(0.4)
    of_bool = d.maybe() or not NEW  # floating padding is new
    for name in ("attn_mask", "key_padding_mask"):
        if not call[name]:
            continue
        if name == "attn_mask":
            sizes = d.choice([[length, keys], [(1 if single else batch) * heads, length, keys]])
        else:
            sizes = [keys] if single else [batch, keys]
        # One key that neither mask hides: rows without any are NaN, or 0, by the version.
        hidden = ~bool_mask(d, sizes)
        hidden[..., 0] = False
        inputs.append(d.plain(hidden if of_bool else d.normal(sizes), grad=False))
    masks = len(inputs) - 3
    inputs += drawn_weights(d, layer, 0.5)

    def run(x):
        net = take_weights(torch.nn.MultiheadAttention(**o), x[3 + masks:])
        given = dict(zip([n for n in ("attn_mask", "key_padding_mask") if call[n]], x[3:]))
        y, weights = net(*x[:3], need_weights=call["need_weights"],
                         average_attn_weights=call["average_attn_weights"], **given)
        return [y] + ([weights] if call["need_weights"] else [])
    return inputs, {**o, **call}, run


def transformer_layer(kind):
    def draw(d):
        heads = d.choice([1, 2])
        o = {"d_model": heads * d.choice([2, 3, 8]), "nhead": heads, "dim_feedforward": d.choice([1, 4, 9]),
             "dropout": 0.0, "activation": d.choice(["relu", "gelu"]), "layer_norm_eps": d.choice([1e-5, 1e-2]),
             "batch_first": d.maybe(), "norm_first": d.maybe()}
        layer = kind(**o)
        batch, length, keys = d.choice([1, 2, 3]), d.choice([1, 2, 5]), d.choice([1, 3])
        decoder = kind is torch.nn.TransformerDecoderLayer

        def shape(time):
            return [batch, time, o["d_model"]] if o["batch_first"] else [time, batch, o["d_model"]]
        inputs = [d.laid_out(d.normal(shape(length)))]
        if decoder:
            inputs.append(d.laid_out(d.normal(shape(keys))))
        o["mask"] = d.maybe()
        if o["mask"]:
            inputs.append(d.plain(d.normal([length, length]), grad=False))
        given = len(inputs)
        inputs += drawn_weights(d, layer, 0.5)

        def run(x):
            net = take_weights(kind(**{k: v for k, v in o.items() if k != "mask"}), x[given:])
            mask = x[given - 1] if o["mask"] else None
            return [net(x[0], x[1], mask) if decoder else net(x[0], mask)]
        return inputs, o, run
    return draw


define(FAMILY, "transformer_encoder_layer", 8)(transformer_layer(torch.nn.TransformerEncoderLayer))
define(FAMILY, "transformer_decoder_layer", 6)(transformer_layer(torch.nn.TransformerDecoderLayer))
