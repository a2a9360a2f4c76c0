// The contents of a file of tensors, whatever its format.
#pragma once
#include <map>
#include <string>

#include "norma/layers/module.h"

namespace norma {

/// What a file of tensors holds.
struct TensorFile {
  NamedTensors tensors;  ///< in the order of their bytes in the file, or of the dicts of torch.save
  std::map<std::string, std::string> metadata;  ///< the file's notes
  /// Entries that are no tensors Norma can hold, by name, and what they are: "a sparse tensor",
  /// "an object of \"argparse.Namespace\"", "a tensor of the dtype \"C64\"".
  std::map<std::string, std::string> skipped;
};

}  // namespace norma
