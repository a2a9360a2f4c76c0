#include "norma/io/torch_tensor.h"

#include <algorithm>
#include <utility>

#include "norma/core/tensor_impl.h"

namespace norma::torch_file {

using pickle::Id;
using pickle::Kind;
using pickle::Object;

namespace {

constexpr std::string_view kRebuild = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildUntyped = "torch._utils._rebuild_tensor_v3";
// Around a tensor: a parameter, one with attributes, and a tensor with attributes or of a class.
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kParameterWithState = "torch._utils._rebuild_parameter_with_state";
constexpr std::string_view kFromType = "torch._tensor._rebuild_from_type";
constexpr std::string_view kFromTypeWithState = "torch._tensor._rebuild_from_type_v2";
constexpr std::string_view kUntypedStorage = "torch.storage.UntypedStorage";

// Null where `name` is in that column of no stored type.
const StoredType* type_called(std::string_view name, std::string_view StoredType::*column) {
  for (const StoredType& type : stored_types())
    if (type.*column == name) return &type;
  return nullptr;
}

bool multiply(int64_t& product, int64_t factor) {
  return !__builtin_mul_overflow(product, factor, &product);
}

}  // namespace

bool rebuilds_tensor(const Object& call) {
  for (const std::string_view known :
       {kRebuild, kRebuildUntyped, kParameter, kParameterWithState, kFromType, kFromTypeWithState})
    if (call.kind == Kind::Call && call.text == known) return true;
  return false;
}

bool is_dtype(const Object& object) {
  constexpr std::string_view kTorch = "torch.";
  return object.kind == Kind::Global && object.text.starts_with(kTorch) &&
         object.text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", kTorch.size()) ==
             std::string_view::npos;
}

const Object& TensorReader::expect(Id id, Kind kind, const char* what,
                                   const std::string& where) const {
  const Object& object = value_[id];
  if (object.kind != kind) refuse(where, "expected ", what, ", got ", pickle::describe(object));
  return object;
}

Shape TensorReader::shape(Id id, const char* what, const std::string& where) const {
  const Object& tuple = expect(id, Kind::Tuple, what, where);
  if (tuple.items.size() > static_cast<std::size_t>(Shape::kMaxDims))
    throw NoPlace{text("a tensor of ", tuple.items.size(), " dimensions")};
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
  const bool known = storage_class.text == kUntypedStorage || is_dtype(storage_class);
  if (!known && !type_called(storage_class.text, &StoredType::storage))
    throw NoPlace{text("a tensor with elements of ", in_quotes(storage_class.text))};
  if (untyped ? storage_class.text != kUntypedStorage
              : !(type = type_called(storage_class.text, &StoredType::storage)))
    refuse(where, "expected ", untyped ? "an untyped" : "a typed", " storage, got ",
           pickle::describe(storage_class));

  const std::string name = folder_ + "data/" + std::string(key);
  const ZipEntry* record = archive_.find(name);
  if (!record) refuse(where, "expected the record ", in_quotes(name), " in the file, got none");
  int64_t bytes = count;
  if (count < 0 || (!untyped && !multiply(bytes, type->bytes)) ||
      static_cast<uint64_t>(bytes) != record->size || bytes % type->bytes != 0)
    refuse(where, "expected a record ", in_quotes(name), " of ", count,
           untyped ? " bytes of " : " elements of ", type->name(), ", got ", record->size,
           " bytes");
  const int64_t numel = bytes / type->bytes;

  // Seen as two types, it is read twice.
  const std::pair as_type(key, type);
  if (const auto old = by_key_.find(as_type); old != by_key_.end()) return old->second;
  int64_t memory = numel;
  if (!multiply(memory, item_size(type->dtype)))
    refuse(where, "expected a storage that memory can hold, got ", numel, " elements");
  archive_.file().spend(static_cast<uint64_t>(memory));
  // Checks how the record is packed.
  const ZipEntryReader possible(archive_, *record);
  storages_.push_back({record, type, numel});
  return by_key_[as_type] = storages_.size() - 1;
}

TensorReader::Call TensorReader::call_of(Id id, const std::string& where) const {
  const Object& call = expect(id, Kind::Call, "a tensor", where);
  return {call.text, expect(call.items[1], Kind::Tuple, "arguments", where).items};
}

// Takes off what is around a tensor.
TensorReader::Call TensorReader::unwrap(Id id, const std::string& where) const {
  constexpr int kMostLayers = 8;
  for (int layer = 0; layer < kMostLayers; ++layer) {
    if (value_[id].kind == Kind::Call && !rebuilds_tensor(value_[id]))
      throw NoPlace{pickle::describe(value_[id])};
    const Call call = call_of(id, where);
    const bool parameter = call.function == kParameter || call.function == kParameterWithState;
    const bool typed = call.function == kFromType || call.function == kFromTypeWithState;
    if (!parameter && !typed) return call;
    const std::size_t count = call.function == kParameter ? 3 : 4;
    if (call.arguments.size() != count)
      refuse(where, "expected ", count, " values of ", in_quotes(call.function), ", got ",
             call.arguments.size());
    if (parameter) {
      id = call.arguments[0];
      continue;
    }
    const Object& function = expect(call.arguments[0], Kind::Global, "a function", where);
    Object inner;
    inner.kind = Kind::Call;
    inner.text = function.text;
    if (!rebuilds_tensor(inner)) throw NoPlace{pickle::describe(inner)};
    const std::vector<Id>& arguments =
        expect(call.arguments[2], Kind::Tuple, "arguments", where).items;
    if (function.text == kRebuild || function.text == kRebuildUntyped)
      return {function.text, arguments};
    if (arguments.empty()) refuse(where, "expected a tensor in it, got nothing");
    id = arguments[0];
  }
  refuse(where, "expected a tensor in at most ", kMostLayers, " parameters, got more");
}

Plan TensorReader::plan(Id id, const std::string& name) {
  const std::string where = "tensor " + in_quotes(name);
  const Call call = unwrap(id, where);
  const bool untyped = call.function == kRebuildUntyped;
  const std::vector<Id>& values = call.arguments;
  const std::size_t least = untyped ? 7 : 6;
  if (values.size() != least && values.size() != least + 1)
    refuse(where, "expected ", least, " or ", least + 1, " values, got ", values.size());
  if (values.size() > least && !expect(values[least], Kind::Dict, "a dict", where).items.empty())
    throw NoPlace{"a conjugated or negated view"};

  const StoredType* type = nullptr;
  if (untyped) {
    const Object& dtype = expect(values[6], Kind::Global, "a dtype", where);
    if (!is_dtype(dtype)) refuse(where, "expected a dtype, got ", pickle::describe(dtype));
    type = type_called(dtype.text, &StoredType::torch);
    if (!type) throw NoPlace{text("a tensor of the dtype ", in_quotes(dtype.text))};
  }
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
  if (storage.failure) std::rethrow_exception(storage.failure);
  if (!storage.elements.defined()) try {
      ZipEntryReader reader(archive_, *storage.record);
      const Tensor elements =
          read_elements(*storage.type, {storage.numel},
                        [&](void* data, uint64_t bytes) { reader.read(data, bytes); });
      reader.finish();
      storage.elements = elements;
    } catch (const Error&) {
      storage.failure = std::current_exception();
      throw;
    }
  return alias(storage.elements, plan.sizes, plan.strides, plan.offset);
}

}  // namespace norma::torch_file
