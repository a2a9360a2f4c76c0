// The tensors in a pickle of torch.save. For Norma's own sources.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "norma/core/tensor.h"
#include "norma/io/pickle.h"
#include "norma/io/stored_type.h"
#include "norma/io/zip_reader.h"

namespace norma::torch_file {

/// The names that may appear in the pickle: functions that rebuild tensors, storages, dtypes.
std::span<const std::string_view> allowed_names();

/// A tensor that was checked and not yet read.
struct Plan {
  std::size_t storage = 0;  // index into the reader's storages
  Shape sizes, strides;
  int64_t offset = 0;
};

/// Makes tensors of a pickle's calls, in two steps, so that everything is checked before memory is
/// reserved. `folder` is that of the archive, with a slash.
class TensorReader {
 public:
  TensorReader(const ZipArchive& archive, const std::string& folder, const pickle::Value& value)
      : archive_(archive), folder_(folder), value_(value) {}

  /// Checks the call: types, the storage's record and its length, and that every element of the
  /// tensor lies in the storage. `name` is for messages.
  Plan plan(pickle::Id call, const std::string& name);
  /// Reads the storage at the first call for one of its tensors; they share it.
  Tensor read(const Plan& plan);

 private:
  struct Storage {
    const ZipEntry* record;
    const StoredType* type;
    int64_t numel;
    Tensor elements;  // undefined until it is read
  };

  std::size_t plan_storage(pickle::Id id, const StoredType* untyped, const std::string& where);
  [[noreturn]] void refuse(const std::string& where, const auto&... pieces) const {
    archive_.file().refuse(where, ": ", pieces...);
  }
  const pickle::Object& expect(pickle::Id id, pickle::Kind kind, const char* what,
                               const std::string& where) const;
  Shape shape(pickle::Id id, const char* what, const std::string& where) const;

  const ZipArchive& archive_;
  const std::string& folder_;
  const pickle::Value& value_;
  std::vector<Storage> storages_;
  std::unordered_map<std::string_view, std::size_t> by_key_;
};

}  // namespace norma::torch_file
