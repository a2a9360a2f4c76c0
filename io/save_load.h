// Saving a module's parameters and buffers, and loading them back.
#pragma once
#include <string>

#include "norma/layers/module.h"

namespace norma {

/// Writes `module.state_dict()` as a safetensors file that PyTorch opens:
///
///     model.load_state_dict(safetensors.torch.load_file("net.safetensors"))
///
/// A tensor that two names share is written under both, because PyTorch asks for all names; loading
/// it writes the shared memory twice. An existing file is replaced in one step, and stays as it was
/// when anything fails.
void save(const nn::Module& module, const std::string& path);

/// Reads such a file into a module of the same structure, whoever wrote it. Everything is checked
/// before anything changes; one error names the file and every missing, unexpected and mismatched
/// entry. `strict = false` loads what fits and returns the lists. A file without
/// `num_batches_tracked` (old PyTorch) counts as 0. Values are converted to the module's dtypes.
LoadResult load(nn::Module& module, const std::string& path, bool strict = true);

}  // namespace norma
