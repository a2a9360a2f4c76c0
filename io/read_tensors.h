// Reading tensors from a file that is open, or from memory. For Norma's own sources.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "norma/io/input_file.h"
#include "norma/io/tensor_file.h"

namespace norma {

/// Whether the first bytes are those of torch.save and not those of a safetensors file.
bool is_torch_file(const InputFile& file);

/// Which entries have to be in order: of the others, those that are damaged are listed as skipped.
/// Empty: all.
using Asked = std::function<bool(std::string_view name)>;

TensorFile read_torch(const InputFile& file, const Asked& asked = {});
TensorFile read_safetensors(const InputFile& file, const Asked& asked = {});

/// For errors about what Norma cannot hold.
inline constexpr const char* kWayOut =
    "in Python, save plain tensors: model.state_dict(), tensor.float(), tensor.to_dense(), "
    "tensor.dequantize(), torch.from_numpy(array)";

/// What to list as skipped for a tensor of `file` that is damaged.
std::string unreadable(const InputFile& file, const Error& error);

/// "a sparse tensor as \"a\", an object of \"Counter\" as \"b\" and 3 more"
std::string list_skipped(const TensorFile& contents);
/// Refuses a file all of whose entries were skipped, if there are some; `note` follows their list.
void refuse_skipped(const InputFile& file, const TensorFile& contents, const char* note = "");

}  // namespace norma
