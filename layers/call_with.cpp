#include "norma/layers/call_with.h"

namespace norma::nn {

void detail::wrong_arguments(const Caller& caller, const Module& model, std::size_t count) {
  fail(caller.op, "expected as many tensors as the forward of ", model.type_name(),
       " has arguments, got ", count,
       "; arguments of other types go into a function that calls the model: ", caller.instead);
}

}  // namespace norma::nn
