// Reading Python's pickles as data: nothing in them is ever executed. For Norma's own sources. Why
// not a library: they build whatever objects a file names, and the file may be hostile.
#pragma once
#include <bit>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "norma/io/input_file.h"

namespace norma::pickle {

/// No longer pickle is read, nor one of more objects.
inline constexpr uint64_t kMaxBytes = 100'000'000, kMaxObjects = 10'000'000;

enum class Kind : uint8_t {
  None,
  Bool,
  Int,       ///< `integer`
  BigInt,    ///< from 2^63 to 2^64-1, as the bits of `integer`
  Float,     ///< `real()`
  String,    ///< `text`
  Tuple,     ///< `items`
  List,      ///< `items`
  Dict,      ///< `items`: key, value, key, value, …, equal keys possibly twice
  Global,    ///< an importable name: `text` is "module.attribute"
  StoredId,  ///< what the pickler kept elsewhere: `items` holds the id
  Call,      ///< an object that a call would make: `items` are what is called, a Global whose name
             ///< is `text`, or an object and "", and its arguments; it is not called
  Other      ///< bytes, sets and whatever else has no kind of its own: `text` says what
};

/// Index of an object.
using Id = uint32_t;

struct Object {
  Kind kind = Kind::None;
  int64_t integer = 0;
  std::string_view text;  ///< points into the pickle, at a literal or at one of Value::names
  std::vector<Id> items;

  double real() const { return std::bit_cast<double>(integer); }
};

/// What a pickle describes. Objects may appear in several places, and inside themselves.
struct Value {
  std::deque<Object> objects;
  std::deque<std::string> names;
  Id root = 0;

  const Object& operator[](Id id) const { return objects[id]; }
};

/// Reads a pickle of any protocol, 0 to 5. An object of a class of its own that is filled like a
/// dict or a list is read as one, an empty OrderedDict as a Dict; attributes (`_metadata`,
/// `__dict__`) are dropped. The views in the value point into `bytes`. Memory and work are spent
/// from `file`, which errors name.
Value read(std::string_view bytes, const InputFile& file);

/// "a tuple", "a number of NumPy", "an object of \"pathlib.PosixPath\"", … for messages.
std::string describe(const Object& object);

}  // namespace norma::pickle
