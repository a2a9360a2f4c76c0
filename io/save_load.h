// Saving a module's parameters and buffers, and loading them back.
#pragma once
#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "norma/io/safetensors.h"
#include "norma/layers/module.h"

namespace norma {

/// What of a file goes into a module.
struct LoadOptions {
  /// Every key of the module must be there and no other; `false` loads what fits.
  bool strict = true;
  /// Takes only the entries whose names begin so, and takes this beginning off them: "model." or
  /// "model" for `torch.load(path)["model"]`, "module." for what DataParallel puts before each
  /// name.
  std::string prefix = "";
};

/// Writes `module.state_dict()` as a safetensors file that PyTorch opens:
///
///     model.load_state_dict(safetensors.torch.load_file("net.safetensors"))
///
/// A tensor that two names share is written under both, because PyTorch asks for all names; loading
/// it writes the shared memory twice. An existing file is replaced in one step, and stays as it was
/// when anything fails; a read-only one is not replaced. A module without a single parameter or
/// buffer is an error: something was not registered.
void save(const nn::Module& module, const std::string& path);
/// The same bytes into a stream, opened as `std::ios::binary`; or as what `bytes` holds from then
/// on.
void save(const nn::Module& module, std::ostream& stream);
void save(const nn::Module& module, std::vector<std::byte>& bytes);

/// Reads a safetensors file, or what `torch.save(model.state_dict(), path)` wrote (see
/// io/torch_file.h), into a module of the same structure; the file's first bytes tell which it is.
/// Everything is checked before anything changes; one error names the file and every missing,
/// unexpected and mismatched entry. `strict = false` loads what fits and returns the lists. A file
/// without `num_batches_tracked` (old PyTorch) counts as 0. Values are converted to the module's
/// dtypes.
///
/// Only what is asked for must be there and be a tensor: entries outside of `prefix` may be
/// anything, damaged tensors as well. Inside, `strict` refuses entries that are no tensors; `false`
/// lists them as `skipped`, and damaged tensors that are none of the module's.
///
/// `load(net, "run.pt", {.prefix = "model."})` takes a part of a file. Where no entry fits the
/// module but all would behind a prefix, the error names it.
LoadResult load(nn::Module& module, const std::string& path, const LoadOptions& options = {});
LoadResult load(nn::Module& module, const std::string& path, std::same_as<bool> auto strict) {
  return load(module, path, LoadOptions{.strict = strict});
}

/// The same from the bytes of such a file, or from all that a stream still has (opened as
/// `std::ios::binary`), which are kept in memory while they are read.
LoadResult load(nn::Module& module, std::span<const std::byte> bytes,
                const LoadOptions& options = {});
LoadResult load(nn::Module& module, std::istream& stream, const LoadOptions& options = {});

/// The tensors of a file of either kind: load_torch or load_safetensors, as its first bytes ask,
/// with their errors.
TensorFile load_tensors(const std::string& path);
TensorFile load_tensors(std::span<const std::byte> bytes);
TensorFile load_tensors(std::istream& stream);

}  // namespace norma
