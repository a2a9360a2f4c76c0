// The safetensors file format: named tensors, opened by Python and many other tools.
#pragma once
#include <cstddef>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "norma/io/tensor_file.h"

namespace norma {

/// Reads a whole file. Everything the header says is checked against the length of the file before
/// memory is reserved for tensors: offsets that overlap, leave holes or point outside, sizes that
/// overflow, repeated names, headers over 100,000,000 bytes and truncated files are errors that
/// name the file. F16, BF16 and the F8 kinds arrive as kFloat32, I8 I16 U16 U32 as kInt64,
/// without loss. Tensors that Norma has no place for (C64, U64, F4, F6, unknown dtypes, more than 8
/// dimensions) are listed in `skipped`; a file of no others is an error. Memory is at most 32 times
/// the file's size.
TensorFile load_safetensors(const std::string& path);

/// Writes a file that load_safetensors and Python's `safetensors.torch.load_file` read. The
/// metadata entry {"format": "pt"} is added, which Python asks for. An existing file is replaced in
/// one step once the new one is safely on the disk (see io/atomic_file.h). Errors: an undefined
/// tensor, a name that comes twice, is no UTF-8 or "__metadata__", and what the system says about
/// the path.
void save_safetensors(const NamedTensors& tensors, const std::string& path,
                      const std::map<std::string, std::string>& metadata = {});
/// The same bytes into a stream, or as what `bytes` holds from then on. A stream that fails is an
/// error; it has got a part of them.
void save_safetensors(const NamedTensors& tensors, std::ostream& stream,
                      const std::map<std::string, std::string>& metadata = {});
void save_safetensors(const NamedTensors& tensors, std::vector<std::byte>& bytes,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace norma
