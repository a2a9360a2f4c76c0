#include "norma/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "norma/core/memory.h"
#include "norma/core/tensor_impl.h"

namespace norma::data {

namespace {

// Rows of a contiguous tensor.
Tensor take_rows(const Tensor& from, const int64_t* rows, int64_t count) {
  Shape sizes = from.sizes();
  sizes[0] = count;
  Tensor out = new_tensor(sizes, from.dtype());
  const auto bytes =
      static_cast<std::size_t>(from.numel() / from.size(0) * item_size(from.dtype()));
  if (bytes == 0) return out;
  const auto* source = static_cast<const char*>(from.raw_data());
  auto* target = static_cast<char*>(out.raw_data());
  for (int64_t i = 0; i < count; ++i, target += bytes) {
    std::memcpy(target, source + static_cast<std::size_t>(rows[i]) * bytes, bytes);
  }
  return out;
}

struct TensorSource final : SampleSource {
  explicit TensorSource(const Dataset& tensors)
      : set{tensors.inputs.detach().contiguous(), tensors.targets.detach().contiguous()} {}
  int64_t size() const override { return set.size(); }
  Sample get(int64_t i) const override {
    return {set.inputs.select(0, i), set.targets.select(0, i)};
  }
  Sample get_batch(const int64_t* rows, int64_t count) const override {
    Sample batch(2);  // an initializer_list would copy
    batch[0] = take_rows(set.inputs, rows, count);
    batch[1] = take_rows(set.targets, rows, count);
    return batch;
  }
  int64_t sample_bytes() const override {
    const int64_t numel = set.inputs.numel() / std::max<int64_t>(size(), 1);
    // Images of bytes become floats.
    return std::max(item_size(set.inputs.dtype()), item_size(kFloat32)) * numel + 1;
  }
  const Dataset* tensors() const override { return &set; }
  Dataset set;
};

struct SubsetSource final : SampleSource {
  SubsetSource(const AnyDataset& whole, std::vector<int64_t> chosen)
      : set(whole), indices(std::move(chosen)) {}
  int64_t size() const override { return static_cast<int64_t>(indices.size()); }
  Sample get(int64_t i) const override { return set.source().get(at(i)); }
  Sample get_batch(const int64_t* rows, int64_t count) const override {
    std::vector<int64_t> inner(static_cast<std::size_t>(count));
    std::transform(rows, rows + count, inner.begin(), [this](int64_t i) { return at(i); });
    return set.source().get_batch(inner.data(), count);
  }
  int64_t sample_bytes() const override { return set.source().sample_bytes(); }
  int64_t at(int64_t i) const { return indices[static_cast<std::size_t>(i)]; }
  AnyDataset set;
  std::vector<int64_t> indices;
};

struct ConcatSource final : SampleSource {
  explicit ConcatSource(std::vector<AnyDataset> parts) : sets(std::move(parts)) {
    for (const AnyDataset& set : sets) {
      const int64_t before = size(), count = set.size();
      if (count < 0) fail("ConcatDataset", "expected a size() of 0 or more, got ", count);
      if (count > std::numeric_limits<int64_t>::max() - before) {
        fail("ConcatDataset", "expected data sets of together fewer than 2^63 samples, got one of ",
             count, " behind ", before);
      }
      ends.push_back(before + count);
    }
  }
  int64_t size() const override { return ends.empty() ? 0 : ends.back(); }
  Sample get(int64_t i) const override {
    const auto end = std::upper_bound(ends.begin(), ends.end(), i);
    const AnyDataset& set = sets[static_cast<std::size_t>(end - ends.begin())];
    return set.source().get(i - (*end - set.size()));
  }
  int64_t sample_bytes() const override {
    return sets.empty() ? 0 : sets[0].source().sample_bytes();
  }
  std::vector<AnyDataset> sets;
  std::vector<int64_t> ends;  // where each of them ends
};

void check_tensors(const Dataset& set, const char* op) {
  if (!set.inputs.defined() || !set.targets.defined()) {
    fail(op, "expected inputs and targets, got an undefined tensor");
  }
  const Shape &inputs = set.inputs.sizes(), &targets = set.targets.sizes();
  if (inputs.empty() || targets.empty() || inputs[0] != targets[0]) {
    fail(op, "expected one target per input along the first dimension, got inputs ", inputs,
         " and targets ", targets);
  }
}

// Memory of `out` from `to` on gets the elements of `tensor`.
void copy_into(char* to, const Tensor& tensor) {
  const Tensor from = tensor.contiguous();
  const auto bytes = static_cast<std::size_t>(from.numel() * item_size(from.dtype()));
  if (bytes > 0) std::memcpy(to, from.raw_data(), bytes);
}

// The samples get(i), stacked; errors call sample i number(i).
template <class Get, class Number>
Sample stack_samples(const char* op, int64_t count, const Get& get, const Number& number) {
  Sample stacked;
  std::vector<char*> ends;
  for (int64_t i = 0; i < count; ++i) {
    const Sample& sample = get(i);
    if (sample.empty() || (i > 0 && sample.size() != stacked.size())) {
      fail(op, "expected samples of ", i > 0 ? text(stacked.size()) : "one or more",
           " tensors, got ", sample.size(), " for sample ", number(i));
    }
    for (std::size_t k = 0; k < sample.size(); ++k) {
      const Tensor& tensor = sample[k];
      if (!tensor.defined()) {
        fail(op, "expected defined tensors, got an undefined one as tensor ", k, " of sample ",
             number(i));
      }
      if (i == 0) {
        Shape sizes = tensor.sizes();
        sizes.insert(0, count);
        stacked.push_back(new_tensor(sizes, tensor.dtype()));
        ends.push_back(static_cast<char*>(stacked.back().raw_data()));
      }
      const Shape& all = stacked[k].sizes();
      Shape expected = all;
      expected.erase(0);
      if (tensor.sizes() != expected || tensor.dtype() != stacked[k].dtype()) {
        fail(op, "expected samples of one shape and dtype, got ", stacked[k].dtype(), " ", expected,
             " as tensor ", k, " of sample ", number(0), " and ", tensor.dtype(), " ",
             tensor.sizes(), " of sample ", number(i));
      }
      copy_into(ends[k], tensor);
      ends[k] += tensor.numel() * item_size(tensor.dtype());
    }
  }
  return stacked;
}

}  // namespace

Sample SampleSource::get_batch(const int64_t* rows, int64_t count) const {
  return stack_samples(
      "DataLoader", count, [&](int64_t i) { return get(rows[i]); },
      [&](int64_t i) { return rows[i]; });
}

Batch detail::as_batch(Sample tensors) {
  Batch batch;
  batch.inputs = std::move(tensors[0]);
  if (tensors.size() > 1) batch.targets = std::move(tensors[1]);
  for (std::size_t i = 2; i < tensors.size(); ++i) batch.more.push_back(std::move(tensors[i]));
  return batch;
}

Batch default_collate(const std::vector<Sample>& samples) {
  return with_memory(0, [&] {
    if (samples.empty()) fail("default_collate", "expected at least one sample, got none");
    return detail::as_batch(stack_samples(
        "default_collate", static_cast<int64_t>(samples.size()),
        [&](int64_t i) -> const Sample& { return samples[static_cast<std::size_t>(i)]; },
        [](int64_t i) { return i; }));
  });
}

AnyDataset detail::tensor_set(const char* op, const Dataset& tensors) {
  return with_memory(0, [&] {
    check_tensors(tensors, op);
    return AnyDataset(std::make_shared<TensorSource>(tensors));
  });
}

AnyDataset::AnyDataset(std::shared_ptr<const SampleSource> source) : source_(std::move(source)) {
  if (!source_) fail("AnyDataset", "expected a data set, got a null pointer");
}

AnyDataset::AnyDataset(const Dataset& tensors)
    : AnyDataset(detail::tensor_set("Dataset", tensors)) {}

Sample AnyDataset::get(int64_t i) const {
  return with_memory(0, [&] {
    if (i < 0 || i >= size()) {
      fail("AnyDataset::get", "expected a sample from 0 to ", size() - 1, ", got ", i);
    }
    return source_->get(i);
  });
}

Subset::Subset(const AnyDataset& set, std::vector<int64_t> indices) try
    : AnyDataset(std::make_shared<SubsetSource>(set, std::move(indices))) {
  for (const int64_t i : static_cast<const SubsetSource&>(source()).indices) {
    if (i < 0 || i >= set.size()) {
      fail("Subset", "expected indices from 0 to ", set.size() - 1, ", got ", i);
    }
  }
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

ConcatDataset::ConcatDataset(std::vector<AnyDataset> sets) try
    : AnyDataset(std::make_shared<ConcatSource>(std::move(sets))) {
} catch (const std::bad_alloc&) {
  out_of_memory(0);
}

std::vector<AnyDataset> random_split(const AnyDataset& set, const std::vector<double>& lengths,
                                     Generator& generator) {
  return with_memory(0, [&] {
    const char* op = "random_split";
    const int64_t n = set.size();
    double sum = 0;
    for (const double length : lengths) {
      if (!(length >= 0)) fail(op, "expected lengths or fractions from 0, got ", length);
      sum += length;
    }
    const bool whole = std::all_of(lengths.begin(), lengths.end(),
                                   [](double length) { return length == std::floor(length); });
    const bool fractions = std::abs(sum - 1) < 1e-6 && !(whole && n == 1);
    std::vector<int64_t> counts;
    int64_t left = n;
    for (const double length : lengths) {
      const double count = std::floor(fractions ? length * static_cast<double>(n) : length);
      if (!(count <= static_cast<double>(left))) left = -1;
      if (left < 0) break;
      counts.push_back(static_cast<int64_t>(count));
      left -= counts.back();
    }
    if (fractions) {
      for (std::size_t i = 0; left > 0; i = (i + 1) % counts.size(), --left) ++counts[i];
    }
    if (left != 0) {
      fail(op, "expected fractions that add up to 1, or lengths that add up to the ", n,
           " samples, got ", sum);
    }
    return with_memory(n * 8, [&] {
      const Tensor order = randperm(n, generator);
      const int64_t* next = order.data_ptr<int64_t>();
      std::vector<AnyDataset> parts;
      for (const int64_t count : counts) {
        parts.push_back(Subset(set, std::vector<int64_t>(next, next + count)));
        next += count;
      }
      return parts;
    });
  });
}

}  // namespace norma::data
