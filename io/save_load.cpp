#include "norma/io/save_load.h"

#include "norma/io/safetensors.h"
#include "norma/io/with_path.h"

namespace norma {

void save(const nn::Module& module, const std::string& path) {
  save_safetensors(module.state_dict(), path);
}

LoadResult load(nn::Module& module, const std::string& path, bool strict) {
  const TensorFile file = load_safetensors(path);
  if (file.metadata.count(kCheckpointKey) > 0)
    fail("load", path +
                     ": expected the state of a module alone, got a checkpoint; read it with "
                     "load_checkpoint(path, {.module = &module})");
  return with_path("load", path, [&] { return module.load_state_dict(file.tensors, strict); });
}

}  // namespace norma
