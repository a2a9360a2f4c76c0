// Reading what PyTorch's torch.save writes.
#pragma once
#include <string>

#include "norma/io/tensor_file.h"

namespace norma {

/// Reads what `torch.save(model.state_dict(), path)` wrote with PyTorch 1.6 or later: a zip archive
/// with a pickle and a record per storage. The pickle is read as data and nothing in it is
/// executed.
///
/// Dicts within dicts are flattened: `{"model": state_dict, "epoch": 3}` becomes the tensors
/// "model.0.weight", …, and the metadata "epoch" = "3". Keys may be strings or numbers; lists and
/// tuples count from 0. A file that holds one tensor alone gives it the name "". Numbers, strings,
/// bools, None and dtypes become metadata. Everything else is listed under its name in `skipped`:
/// objects of any class (a counter, a path, a whole model, a number of NumPy), sets, bytes,
/// complex, quantised and sparse tensors, tensors of more than 12 dimensions, entries of equal
/// names. A class derived from dict or list that has entries counts as one. Refused is a file with
/// nothing else.
///
/// Tensors keep their strides and share memory where they shared it in Python (tied weights, views,
/// `expand`); each storage is read once. float16, bfloat16 and the float8 kinds arrive as kFloat32,
/// int8 int16 uint16 uint32 as kInt64, without loss; bool, uint8, int32, int64, float32 and float64
/// as they are. Parameters, tensors with attributes and of derived classes are their values.
/// Nothing requires a gradient, and the device they were on does not matter. As with
/// load_safetensors, everything is checked against the length of the file before memory is
/// reserved, and checksums are compared.
///
/// Memory and work are at most 200 times the file's size and 16 MiB (InputFile::kCostFactor).
///
/// Refused besides: files of older PyTorch, TorchScript archives, big-endian files, and damaged
/// ones. `load` with a prefix, or not strict, refuses damaged tensors only where it asks for them.
TensorFile load_torch(const std::string& path);

/// Whether the first bytes of a file are those of torch.save, in its present form or an older one,
/// and not those of a safetensors file. Throws `[load] path: …` when it cannot be opened.
bool is_torch_file(const std::string& path);

}  // namespace norma
