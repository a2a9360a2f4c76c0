// torch::save and torch::load: modules, tensors, optimisers, archives. The files are safetensors,
// which Python opens; what Python's torch.save wrote of tensors or a state_dict is read as well.
#pragma once
#include "torch/ivalue.h"

namespace torch {
namespace serialize {

/// Tensors by name, written and read at once.
class OutputArchive {
 public:
  void write(const std::string& key, const Tensor& tensor, bool /*is_buffer*/ = false) {
    tensors.emplace_back(key, tensor);
  }
  void write(const std::string& key, const IValue& value) {
    if (value.isTensor()) return write(key, value.toTensor());
    if (!value.isScalar()) {
      norma::fail("write", "expected a tensor or a number as '", key, "', got ", value.kind());
    }
    const auto number = value.toScalar();
    write(key, norma::full({}, number, {.dtype = number.dtype()}));
  }
  void write(const std::string& key, const OutputArchive& nested) {
    for (const auto& [name, tensor] : nested.tensors) write(key + "." + name, tensor);
  }
  template <class Target>
  void save_to(Target&& path_or_stream) const {
    norma::save_safetensors(tensors, path_or_stream);
  }
  norma::NamedTensors tensors;
};

class InputArchive {
 public:
  template <class Source>
  void load_from(Source&& path_or_stream, const std::optional<Device>& = {}) {
    tensors = norma::load_tensors(path_or_stream).tensors;
  }
  void read(const std::string& key, Tensor& tensor, bool /*is_buffer*/ = false) const {
    for (const auto& [name, value] : tensors) {
      if (name == key) return tensor.defined() ? tensor.set_data(value) : void(tensor = value);
    }
    norma::fail("load", "expected a tensor '", key, "'");
  }
  void read(const std::string& key, IValue& value) const {
    Tensor tensor;
    read(key, tensor);
    value = tensor;
  }
  template <class Value>
  bool try_read(const std::string& key, Value& value) const {
    const bool found = std::any_of(tensors.begin(), tensors.end(), [&](const auto& entry) {
      if constexpr (std::is_same_v<Value, InputArchive>) {
        return entry.first.starts_with(key + ".");
      } else {
        return entry.first == key;
      }
    });
    if (found) read(key, value);
    return found;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> all;
    for (const auto& [name, value] : tensors) all.push_back(name);
    return all;
  }
  /// Nothing, of a module without tensors.
  void read(const std::string& key, InputArchive& nested) const {
    nested.tensors.clear();
    for (const auto& [name, value] : tensors) {
      if (!name.starts_with(key + ".")) continue;
      nested.tensors.emplace_back(name.substr(key.size() + 1), value);
    }
  }
  norma::NamedTensors tensors;
};

}  // namespace serialize

/// Of a holder or a shared_ptr, what it points to, a module or an optimiser.
template <class T>
auto& core_of(T& value) {
  if constexpr (requires { value.core(); }) {
    return value.core();
  } else {
    return value->core();
  }
}

template <class Target>
void save(const std::vector<Tensor>& tensors, Target&& path_or_stream) {
  serialize::OutputArchive archive;
  for (const Tensor& x : tensors) archive.write(std::to_string(archive.tensors.size()), x);
  archive.save_to(path_or_stream);
}
template <class T, class Target>
void save(const T& value, Target&& path_or_stream) {
  if constexpr (std::is_convertible_v<const T&, const Tensor&>) {
    norma::save_safetensors({{"tensor", value}}, path_or_stream);
  } else if constexpr (requires { value.pass_options(); }) {
    value.pass_options();
    norma::save_checkpoint(path_or_stream, {.optimizer = &value.core(), .generator = nullptr});
  } else {
    norma::save(core_of(value), path_or_stream);
  }
}

template <class Source>
void load(std::vector<Tensor>& tensors, Source&& path_or_stream) {
  serialize::InputArchive archive;
  archive.load_from(path_or_stream);
  tensors.assign(archive.tensors.size(), Tensor());
  for (std::size_t i = 0; i < tensors.size(); ++i) archive.read(std::to_string(i), tensors[i]);
}
template <class T, class Source>
void load(T& value, Source&& path_or_stream, const std::optional<Device>& = {}) {
  if constexpr (std::is_convertible_v<T&, Tensor&>) {
    auto tensors = norma::load_tensors(path_or_stream).tensors;
    if (tensors.size() != 1) norma::fail("load", "expected one tensor, got ", tensors.size());
    value = tensors.front().second;
  } else if constexpr (requires { value.pass_options(); }) {
    norma::load_checkpoint(path_or_stream, {.optimizer = &value.core(), .generator = nullptr});
    value.take_options();
  } else {
    norma::load(core_of(value), path_or_stream);
  }
}

}  // namespace torch
