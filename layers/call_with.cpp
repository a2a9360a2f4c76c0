#include "norma/layers/call_with.h"

namespace norma::nn {

void detail::wrong_arguments(const char* op, const Module& model, std::size_t count) {
  fail(op, "expected as many tensors as the forward of ", model.type_name(), " has arguments, got ",
       count, "; arguments of other types go into a function that calls the model: ", op,
       "(model, [&] { model(…); })");
}

}  // namespace norma::nn
