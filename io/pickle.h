// Reading Python's pickles as data: nothing in them is ever executed. For Norma's own sources. Why
// not a library: they build whatever objects a file names, and the file may be hostile.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "norma/io/input_file.h"

namespace norma::pickle {

/// No longer pickle is read, nor one of more objects.
inline constexpr uint64_t kMaxBytes = 100'000'000, kMaxObjects = 2'000'000;

enum class Kind : uint8_t {
  None,
  Bool,
  Int,       ///< `integer`
  BigInt,    ///< from 2^63 to 2^64-1, as the bits of `integer`
  Float,     ///< `real`
  String,    ///< `text`
  Tuple,     ///< `items`
  List,      ///< `items`
  Dict,      ///< `items`: key, value, key, value, …, equal keys possibly twice
  Global,    ///< an importable name: `text` is "module.attribute"
  StoredId,  ///< what the pickler kept elsewhere: `items` holds the id
  Call       ///< `items`: a Global and the tuple of its arguments; it is not called
};

/// Index of an object.
using Id = uint32_t;

struct Object {
  Kind kind = Kind::None;
  bool ordered = false;  ///< a Dict that was an OrderedDict
  int64_t integer = 0;
  double real = 0;
  std::string_view text;  ///< points into the pickle, or at one of the allowed names
  std::vector<Id> items;
};

/// What a pickle describes. Objects may appear in several places, and inside themselves.
struct Value {
  std::vector<Object> objects;
  Id root = 0;

  const Object& operator[](Id id) const { return objects[id]; }
};

/// Reads a pickle of the protocols 2 to 5. `allowed` are the globals that may appear besides
/// "collections.OrderedDict", whose attributes (`_metadata`) are dropped; any other global and any
/// opcode that makes other objects than those above is refused by name. The views in the value
/// point into `bytes` and `allowed`. Whatever the bytes are, the work and the memory are bounded by
/// their number. Errors name `file`.
Value read(std::string_view bytes, std::span<const std::string_view> allowed,
           const InputFile& file);

/// "a tuple", "the name torch.float16", … for messages.
std::string describe(const Object& object);

}  // namespace norma::pickle
