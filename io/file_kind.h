// What a file is, by its first bytes. For Norma's own sources.
#pragma once
#include <string>

#include "norma/io/input_file.h"

namespace norma {

enum class Format {
  Safetensors,
  Torch,        ///< the zip archive of torch.save
  TorchPickle,  ///< what PyTorch before 1.6 wrote
  Other         ///< known not to be a file of tensors
};

struct FileKind {
  Format format;
  std::string what;  ///< what it is, and the way out where it cannot be read
};

/// Anything that cannot be told counts as Safetensors, whose first bytes may be any.
FileKind kind_of(const InputFile& file);

}  // namespace norma
