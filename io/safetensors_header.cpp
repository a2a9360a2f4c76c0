#include "norma/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "norma/io/input_file.h"

namespace norma::safetensors {

namespace {

struct DTypeInfo {
  std::string_view name;
  int bits;
};

// In the order of the reference implementation.
constexpr std::array<DTypeInfo, 22> kDTypes{
    {{"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
     {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
     {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
     {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
     {"I64", 64},        {"U64", 64}}};

constexpr std::string_view kMetadata = "__metadata__";

// Follows the parser through the only structure a header may have, so that nothing is built for
// any other, and sees every key, so that none is repeated.
class HeaderReader {
 public:
  using json = nlohmann::json;

  explicit HeaderReader(Header& header) : header_(header) {}
  const std::string& problem() const { return problem_; }

  bool key(std::string& name) {
    switch (where_) {
      case Where::Top:
        if (!names_.insert(name).second)
          return stop("the name ", in_quotes(name), " appears twice");
        name_ = name;
        return true;
      case Where::Metadata:
        if (header_.metadata.count(name))
          return stop("metadata key ", in_quotes(name), " appears twice");
        name_ = name;
        return true;
      default:
        field_ = std::find(std::begin(kFields), std::end(kFields), name) - std::begin(kFields);
        if (field_ == std::ssize(kFields))
          return stop("tensor ", in_quotes(entry().name), " has an unknown field ",
                      in_quotes(name));
        if (std::exchange(seen_[field_], true))
          return stop("tensor ", in_quotes(entry().name), " has the field ", in_quotes(name),
                      " twice");
        return true;
    }
  }

  bool start_object(std::size_t) {
    if (where_ == Where::Start) {
      where_ = Where::Top;
    } else if (where_ == Where::Top && name_ == kMetadata) {
      where_ = Where::Metadata;
    } else if (where_ == Where::Top) {
      where_ = Where::Tensor;
      header_.entries.emplace_back().name = name_;
      std::fill(std::begin(seen_), std::end(seen_), false);
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool end_object() {
    if (where_ == Where::Tensor) {
      for (int field : {kDType, kShape, kOffsets})
        if (!seen_[field])
          return stop("tensor ", in_quotes(entry().name), " has no ", kFields[field]);
    }
    where_ = where_ == Where::Top ? Where::End : Where::Top;
    return true;
  }

  bool start_array(std::size_t) {
    if (where_ != Where::Tensor || field_ == kDType) return unexpected("a list");
    where_ = Where::List;
    offsets_ = 0;
    return true;
  }

  bool end_array() {
    where_ = Where::Tensor;
    if (field_ == kOffsets && offsets_ != 2) return offset_count();
    return true;
  }

  bool number_unsigned(uint64_t value) {
    if (where_ != Where::List) return unexpected("a number");
    if (field_ == kShape) {
      entry().shape.push_back(value);
    } else {
      if (offsets_ == 2) return offset_count();
      (offsets_++ == 0 ? entry().begin : entry().end) = value;
    }
    return true;
  }

  bool string(std::string& value) {
    if (where_ == Where::Metadata) {
      header_.metadata[name_] = value;
    } else if (where_ == Where::Tensor && field_ == kDType) {
      entry().dtype = value;
    } else {
      return unexpected("a string");
    }
    return true;
  }

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a bool"); }
  bool number_integer(int64_t value) { return unexpected(text("the number ", value)); }
  bool number_float(double, const std::string& text) {
    return unexpected("the number " + text.substr(0, 40));
  }
  bool binary(json::binary_t&) { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    return stop("the header is no valid JSON at its byte ", position);
  }

 private:
  enum class Where { Start, Top, Metadata, Tensor, List, End };
  enum Field { kDType, kShape, kOffsets };
  static constexpr std::string_view kFields[] = {"dtype", "shape", "data_offsets"};

  Entry& entry() { return header_.entries.back(); }
  bool stop(const auto&... pieces) {
    problem_ = text(pieces...);
    return false;
  }
  bool offset_count() {
    return stop("tensor ", in_quotes(entry().name), ": expected two data_offsets");
  }
  bool unexpected(const std::string& got) {
    switch (where_) {
      case Where::Metadata:
        return stop("metadata key ", in_quotes(name_), ": expected a string, got ", got);
      case Where::Top:
        return stop(name_ == kMetadata ? "" : "tensor ", in_quotes(name_),
                    ": expected an object, got ", got);
      case Where::Tensor:
      case Where::List:
        return stop("tensor ", in_quotes(entry().name), ": expected ",
                    field_ == kDType        ? "a string as "
                    : where_ == Where::List ? "whole numbers from 0 on as "
                                            : "a list as ",
                    kFields[field_], ", got ", got);
      default:
        return stop("expected a JSON object as header, got ", got);
    }
  }

  Header& header_;
  std::string problem_, name_;
  std::set<std::string> names_;
  Where where_ = Where::Start;
  std::ptrdiff_t field_ = 0;  // whose value comes next
  bool seen_[std::size(kFields)] = {};
  int offsets_ = 0;
};

// What is wrong with an entry by itself: the shape's byte count must be exactly end - begin.
std::string problem_of(const Entry& entry) {
  const std::string which = "tensor " + in_quotes(entry.name);
  if (entry.end < entry.begin)
    return text(which, ": expected data_offsets in order, got [", entry.begin, ", ", entry.end,
                "]");
  const int bits = dtype_bits(entry.dtype);
  if (bits == 0) return "";
  // Empty dimensions count as 1 for the overflow check: strides are products of the others.
  int64_t product = static_cast<int64_t>(bits);
  bool empty = false, overflow = false;
  for (uint64_t size : entry.shape) {
    empty = empty || size == 0;
    overflow = overflow || size > INT64_MAX ||
               __builtin_mul_overflow(product, static_cast<int64_t>(std::max<uint64_t>(size, 1)),
                                      &product);
  }
  if (overflow)
    return text(which, ": the shape ", shape_text(entry.shape), " has too many elements");
  const std::string what =
      text(which, " of dtype ", entry.dtype, " and shape ", shape_text(entry.shape));
  const uint64_t total_bits = empty ? 0 : static_cast<uint64_t>(product);
  if (total_bits % 8 != 0) return what + " does not fill whole bytes";
  if (entry.end - entry.begin != total_bits / 8)
    return text(what, ": expected ", total_bits / 8, " bytes, got data_offsets [", entry.begin,
                ", ", entry.end, "]");
  return "";
}

}  // namespace

std::string shape_text(const std::vector<uint64_t>& shape) {
  constexpr std::size_t kMost = 9;
  std::string list = "[";
  for (std::size_t i = 0; i < std::min(shape.size(), kMost); ++i)
    list += text(i ? ", " : "", shape[i]);
  return list + (shape.size() > kMost ? text(", … (", shape.size() - kMost, " more)]") : "]");
}

int dtype_bits(std::string_view dtype) {
  const int rank = dtype_rank(dtype);
  return rank < 0 ? 0 : kDTypes[static_cast<std::size_t>(rank)].bits;
}

int dtype_rank(std::string_view dtype) {
  for (std::size_t i = 0; i < kDTypes.size(); ++i)
    if (kDTypes[i].name == dtype) return static_cast<int>(i);
  return -1;
}

Header parse_header(std::string_view json, uint64_t data_bytes, const std::string& path) {
  // The parser would take a byte-order mark as a start and a zero byte as the end.
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || json[first] != '{')
    refuse(path, "expected a header that starts with '{'; this is no safetensors file");
  if (json.find('\0') != std::string_view::npos)
    refuse(path, "the header is no valid JSON: it has a zero byte");
  Header header;
  HeaderReader reader(header);
  if (!nlohmann::json::sax_parse(json, &reader)) refuse(path, reader.problem());

  std::sort(header.entries.begin(), header.entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin
           : a.end != b.end   ? a.end < b.end
                              : a.name < b.name;
  });
  uint64_t total = 0, previous = 0;
  for (const Entry& entry : header.entries) total = std::max(total, entry.end);
  const std::string sum = text("expected ", total, " bytes of tensors, got ", data_bytes);
  std::string hole;            // between tensors, of which a damaged one may be the reason
  Entry* neighbour = nullptr;  // that ends at `previous`
  bool good = true;
  for (Entry& entry : header.entries) {
    entry.problem = problem_of(entry);
    if (entry.problem.empty() && entry.end > data_bytes)
      entry.problem = sum + "; the file was cut short";
    const auto layout = [&](const char* what) {
      return text("tensor ", in_quotes(entry.name), ": expected data from byte ", previous,
                  " on, got data_offsets [", entry.begin, ", ", entry.end, "] that ", what);
    };
    good = good && entry.problem.empty();
    if (!entry.problem.empty()) continue;
    if (entry.begin < previous) {
      good = false;
      entry.problem = layout("overlap another tensor");
      if (neighbour->problem.empty()) neighbour->problem = entry.problem;
    } else if (entry.begin > previous && hole.empty()) {
      hole = layout("leave a hole");
    }
    if (entry.end < previous) continue;
    previous = entry.end;
    neighbour = &entry;
  }
  if (good && !hole.empty()) refuse(path, hole);
  if (good && total != data_bytes)
    refuse(path, sum, "; the file has bytes that belong to no tensor");
  return header;
}

std::string format_header(const Header& header, const std::string& path) {
  const auto json = [&](const std::string& text) {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception&) {
      refuse(path, "expected names and metadata in UTF-8, got other bytes");
    }
  };
  std::string text = "{";
  const auto append = [&](const auto&... pieces) { text += norma::text(pieces...); };
  if (!header.metadata.empty()) text += json(std::string(kMetadata)) + ":{";
  for (const auto& [key, value] : header.metadata)
    append(text.back() == '{' ? "" : ",", json(key), ":", json(value));
  if (!header.metadata.empty()) text += "}";
  std::set<std::string_view> names;
  for (const Entry& entry : header.entries) {
    if (entry.name == kMetadata)
      refuse(path, "expected another tensor name than ", in_quotes(kMetadata));
    if (!names.insert(entry.name).second)
      refuse(path, "expected every name once, got ", in_quotes(entry.name), " twice");
    append(text.size() == 1 ? "" : ",", json(entry.name), ":{\"dtype\":\"", entry.dtype,
           "\",\"shape\":[");
    for (std::size_t i = 0; i < entry.shape.size(); ++i) append(i ? "," : "", entry.shape[i]);
    append("],\"data_offsets\":[", entry.begin, ",", entry.end, "]}");
  }
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kMaxHeaderBytes)
    refuse(path, "expected a header of at most ", kMaxHeaderBytes, " bytes, got ", text.size());
  return text;
}

}  // namespace norma::safetensors
