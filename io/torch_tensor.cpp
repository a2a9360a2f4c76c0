#include "norma/io/torch_tensor.h"

#include <algorithm>
#include <array>

#include "norma/core/tensor_impl.h"

namespace norma::torch_file {

using pickle::Id;
using pickle::Kind;
using pickle::Object;

namespace {

constexpr std::string_view kRebuild = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildUntyped = "torch._utils._rebuild_tensor_v3";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kUntypedStorage = "torch.storage.UntypedStorage";

// The types that have a storage of their own; the same order in both lists.
constexpr std::array kTypes = {StoredType::Bool, StoredType::U8,  StoredType::I8,  StoredType::I16,
                               StoredType::I32,  StoredType::I64, StoredType::F16, StoredType::BF16,
                               StoredType::F32,  StoredType::F64, StoredType::U16, StoredType::U32};
constexpr std::size_t kStorageTypes = 10;  // the first of them
constexpr std::array<std::string_view, 26> kAllowed = {"torch.BoolStorage",
                                                       "torch.ByteStorage",
                                                       "torch.CharStorage",
                                                       "torch.ShortStorage",
                                                       "torch.IntStorage",
                                                       "torch.LongStorage",
                                                       "torch.HalfStorage",
                                                       "torch.BFloat16Storage",
                                                       "torch.FloatStorage",
                                                       "torch.DoubleStorage",
                                                       "torch.bool",
                                                       "torch.uint8",
                                                       "torch.int8",
                                                       "torch.int16",
                                                       "torch.int32",
                                                       "torch.int64",
                                                       "torch.float16",
                                                       "torch.bfloat16",
                                                       "torch.float32",
                                                       "torch.float64",
                                                       "torch.uint16",
                                                       "torch.uint32",
                                                       kRebuild,
                                                       kRebuildUntyped,
                                                       kRebuildParameter,
                                                       kUntypedStorage};

// Null where `name` is none of the `count` names of types from `first` on.
const StoredType* type_of(std::string_view name, std::size_t first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (kAllowed[first + i] == name) return &kTypes[i];
  return nullptr;
}
const StoredType* storage_type(std::string_view name) { return type_of(name, 0, kStorageTypes); }
const StoredType* dtype(std::string_view name) {
  return type_of(name, kStorageTypes, kTypes.size());
}

bool multiply(int64_t& product, int64_t factor) {
  return !__builtin_mul_overflow(product, factor, &product);
}

}  // namespace

std::span<const std::string_view> allowed_names() { return kAllowed; }

const Object& TensorReader::expect(Id id, Kind kind, const char* what,
                                   const std::string& where) const {
  const Object& object = value_[id];
  if (object.kind != kind) refuse(where, "expected ", what, ", got ", pickle::describe(object));
  return object;
}

Shape TensorReader::shape(Id id, const char* what, const std::string& where) const {
  const Object& tuple = expect(id, Kind::Tuple, what, where);
  if (tuple.items.size() > static_cast<std::size_t>(Shape::kMaxDims))
    refuse(where, "has more than ", Shape::kMaxDims, " dimensions, for which Norma has no place");
  Shape result;
  for (const Id item : tuple.items) {
    const int64_t value = expect(item, Kind::Int, what, where).integer;
    if (value < 0) refuse(where, "expected ", what, ", got the number ", value);
    result.push_back(value);
  }
  return result;
}

std::size_t TensorReader::plan_storage(Id id, const StoredType* untyped, const std::string& where) {
  const Object& stored = expect(id, Kind::StoredId, "a storage", where);
  const Object& tuple = expect(stored.items[0], Kind::Tuple, "a tuple that names a storage", where);
  if (tuple.items.size() != 5 || value_[tuple.items[0]].text != "storage")
    refuse(where, "expected a storage with type, key, device and length, got something else");
  const Object& storage_class = expect(tuple.items[1], Kind::Global, "a type of storage", where);
  const std::string_view key =
      expect(tuple.items[2], Kind::String, "a string as key of a storage", where).text;
  expect(tuple.items[3], Kind::String, "a string as device of a storage", where);
  const int64_t count =
      expect(tuple.items[4], Kind::Int, "a whole number as length of a storage", where).integer;
  const StoredType* type = untyped;
  if (untyped ? storage_class.text != kUntypedStorage : !(type = storage_type(storage_class.text)))
    refuse(where, "expected ", untyped ? "an untyped" : "a typed", " storage, got ",
           pickle::describe(storage_class));

  const std::string name = folder_ + "data/" + std::string(key);
  const ZipEntry* record = archive_.find(name);
  if (!record) refuse(where, "expected the record ", shown(name), " in the file, got none");
  int64_t bytes = count;
  if (count < 0 || (!untyped && !multiply(bytes, stored_size(*type))) ||
      static_cast<uint64_t>(bytes) != record->size || bytes % stored_size(*type) != 0)
    refuse(where, "expected a record ", shown(name), " of ", count,
           untyped ? " bytes of " : " elements of ", stored_name(*type), ", got ", record->size,
           " bytes");
  const int64_t numel = bytes / stored_size(*type);

  const auto [place, is_new] = by_key_.emplace(key, storages_.size());
  if (is_new) {
    // Checks how the record is packed.
    const ZipEntryReader possible(archive_, *record);
    storages_.push_back({record, *type, numel, Tensor()});
  } else if (const Storage& other = storages_[place->second]; other.type != *type) {
    refuse(where, "expected one dtype for the record ", shown(name), ", got ",
           stored_name(other.type), " and ", stored_name(*type));
  }
  return place->second;
}

Plan TensorReader::plan(Id call, const std::string& name) {
  const std::string where = "tensor " + shown(name);
  const auto callee = [&](Id id) {
    return value_[expect(id, Kind::Call, "a tensor", where).items[0]].text;
  };
  const auto arguments = [&](Id id) -> const std::vector<Id>& {
    return value_[value_[id].items[1]].items;
  };
  if (callee(call) == kRebuildParameter) {
    if (arguments(call).size() != 3) refuse(where, "expected a parameter of 3 values");
    call = arguments(call)[0];
  }
  const std::string_view function = callee(call);
  if (function != kRebuild && function != kRebuildUntyped)
    refuse(where, "expected a call that rebuilds a tensor, got one of ", shown(function));
  const bool untyped = function == kRebuildUntyped;
  const std::vector<Id>& values = arguments(call);
  const std::size_t least = untyped ? 7 : 6;
  if (values.size() != least && values.size() != least + 1)
    refuse(where, "expected ", least, " or ", least + 1, " values, got ", values.size());
  if (values.size() > least && !expect(values[least], Kind::Dict, "a dict", where).items.empty())
    refuse(where, "expected a tensor as it lies in memory, got a conjugated or negated view");

  const StoredType* type = nullptr;
  if (untyped && !(type = dtype(expect(values[6], Kind::Global, "a dtype", where).text)))
    refuse(where, "expected a dtype, got ", pickle::describe(value_[values[6]]));
  Plan plan;
  plan.storage = plan_storage(values[0], type, where);
  plan.offset = expect(values[1], Kind::Int, "a whole number as offset", where).integer;
  plan.sizes = shape(values[2], "whole numbers from 0 on as size", where);
  plan.strides = shape(values[3], "whole numbers from 0 on as stride", where);
  expect(values[4], Kind::Bool, "a bool as requires_grad", where);
  if (plan.sizes.size() != plan.strides.size())
    refuse(where, "expected a stride per dimension, got size ", plan.sizes, " and stride ",
           plan.strides);

  // Empty dimensions count as 1 here: strides elsewhere are products of the others.
  int64_t bytes = 8, last = plan.offset;
  bool fits = plan.offset >= 0, empty = false;
  for (int64_t i = 0; fits && i < plan.sizes.size(); ++i) {
    int64_t reach = plan.strides[i];
    fits = multiply(bytes, std::max<int64_t>(plan.sizes[i], 1)) &&
           (plan.sizes[i] == 0 || multiply(reach, plan.sizes[i] - 1)) &&
           (plan.sizes[i] == 0 || !__builtin_add_overflow(last, reach, &last));
    empty = empty || plan.sizes[i] == 0;
  }
  const int64_t numel = storages_[plan.storage].numel;
  if (!fits || (!empty && last >= numel))
    refuse(where, "expected elements inside its storage of ", numel, ", got size ", plan.sizes,
           ", stride ", plan.strides, " and offset ", plan.offset);
  if (empty) {  // no element to find: PyTorch leaves any offset here
    plan.offset = 0;
    plan.strides = contiguous_strides(plan.sizes);
  }
  return plan;
}

Tensor TensorReader::read(const Plan& plan) {
  Storage& storage = storages_[plan.storage];
  if (!storage.elements.defined()) {
    ZipEntryReader reader(archive_, *storage.record);
    storage.elements = read_elements(storage.type, {storage.numel},
                                     [&](void* data, uint64_t bytes) { reader.read(data, bytes); });
    reader.finish();
  }
  return alias(storage.elements, plan.sizes, plan.strides, plan.offset);
}

}  // namespace norma::torch_file
