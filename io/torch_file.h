// Reading what PyTorch's torch.save writes.
#pragma once
#include <string>

#include "norma/io/tensor_file.h"

namespace norma {

/// Reads what `torch.save(model.state_dict(), path)` wrote with PyTorch 1.6 or later: a zip archive
/// with a pickle of dicts, lists and tuples and a record per storage. The pickle is read as data
/// and nothing in it is executed; whatever is not a tensor, number, string, bool, None, dtype,
/// dict, list or tuple is an error that names it.
///
/// Dicts within dicts are flattened: `{"model": state_dict, "epoch": 3}` becomes the tensors
/// "model.0.weight", …, and the metadata "epoch" = "3". Keys may be strings or whole numbers; lists
/// and tuples count from 0. A file that holds one tensor alone gives it the name "".
///
/// Tensors keep their strides and share memory where they shared it in Python (tied weights, views,
/// `expand`); each storage is read once. float16 and bfloat16 arrive as kFloat32, int8 int16 int32
/// uint16 uint32 as kInt64, without loss; bool, uint8, int64, float32 and float64 as they are.
/// Nothing requires a gradient, and the device they were on does not matter. As with
/// load_safetensors, everything is checked against the length of the file before memory is
/// reserved, and checksums are compared.
///
/// Refused besides: files of older PyTorch, TorchScript archives, big-endian files, complex,
/// quantised and sparse tensors, tensors of more than 8 dimensions.
TensorFile load_torch(const std::string& path);

/// Whether the first bytes of a file are those of torch.save, in its present form or an older one,
/// and not those of a safetensors file. Throws `[load] path: …` when it cannot be opened.
bool is_torch_file(const std::string& path);

}  // namespace norma
