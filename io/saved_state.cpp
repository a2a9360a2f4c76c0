#include "norma/io/saved_state.h"

#include "norma/core/error.h"

namespace norma {

NamedTensors saved_state(const char* op, const nn::Module& module) {
  NamedTensors state = module.state_dict();
  if (state.empty())
    fail(op, "expected a module with parameters or buffers, got a ", module.type_name(),
         " without any; what its constructor does not register is not saved: "
         "register_module(\"fc\", fc), register_parameter(…), register_buffer(…)");
  return state;
}

}  // namespace norma
