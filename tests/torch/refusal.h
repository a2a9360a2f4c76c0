// What programs for libtorch refuse.
#pragma once
#include <torch/torch.h>

#include <string>

/// What `body` throws, which has to be a c10::Error; "" if it throws nothing.
template <class F>
std::string refusal(const F& body) {
  try {
    body();
  } catch (const c10::Error& error) {
    return error.what();
  }
  return "";
}
