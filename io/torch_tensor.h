// The tensors in a pickle of torch.save. For Norma's own sources.
#pragma once
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "norma/core/tensor.h"
#include "norma/io/pickle.h"
#include "norma/io/stored_type.h"
#include "norma/io/zip_reader.h"

namespace norma::torch_file {

/// Thrown for a tensor that Norma has no place for, in a file that may be in order otherwise.
struct NoPlace {
  std::string what;  ///< "a sparse tensor"
};

/// Whether the call is one that rebuilds a tensor in a form that TensorReader knows.
bool rebuilds_tensor(const pickle::Object& call);
/// Whether it is the name of a dtype.
bool is_dtype(const pickle::Object& object);

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
  /// tensor lies in the storage. `name` is for messages. Parameters, tensors with attributes and
  /// tensors of classes of their own are the tensors in them. Throws NoPlace.
  Plan plan(pickle::Id call, const std::string& name);
  /// Reads the storage at the first call for one of its tensors; they share it.
  Tensor read(const Plan& plan);

 private:
  struct Storage {
    const ZipEntry* record;
    const StoredType* type;
    int64_t numel;
    Tensor elements = {};             // undefined until it is read
    std::exception_ptr failure = {};  // of the first try to read it
  };

  struct Call {
    std::string_view function;
    const std::vector<pickle::Id>& arguments;
  };

  Call call_of(pickle::Id id, const std::string& where) const;
  Call unwrap(pickle::Id id, const std::string& where) const;
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
  std::map<std::pair<std::string_view, const StoredType*>, std::size_t> by_key_;
};

}  // namespace norma::torch_file
