// Data sets: tensors in memory, your own, and parts and unions of them.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "norma/core/error.h"
#include "norma/core/random.h"
#include "norma/core/tensor.h"

namespace norma::data {

/// Sample i is `inputs[i]`, with its label or value `targets[i]`. Your own tensors are one too:
/// ```cpp
/// data::Dataset mine{features, labels};
/// ```
/// Images may stay kUInt8, a quarter of the memory of kFloat32: `DataLoader` turns each batch into
/// numbers in 0..1 as it makes it; `convert_image_dtype` does so for a whole tensor.
struct Dataset {
  Tensor inputs;   ///< [N, …]
  Tensor targets;  ///< [N] labels (kInt64) or [N, …] values

  /// The number of samples, N.
  int64_t size() const { return inputs.size(0); }
  /// Samples start, …, start + length - 1, sharing memory: for a part to validate on. Throws where
  /// they are not there.
  Dataset narrow(int64_t start, int64_t length) const {
    return {inputs.narrow(0, start, length), targets.narrow(0, start, length)};
  }
};

/// The tensors of one sample: the input, the target if there is one, and any others.
using Sample = std::vector<Tensor>;

/// The samples of a batch, stacked along a new first dimension. `auto& [x, y] = …` takes the first
/// two members.
struct Batch {
  Tensor inputs;                  ///< [N, …]
  Tensor targets;                 ///< undefined where samples are one tensor
  std::vector<Tensor> more = {};  ///< the third tensor of each sample, the fourth, …

  /// For `auto [inputs, targets] = batch`.
  template <std::size_t I>
  auto& get() {
    if constexpr (I == 0) {
      return inputs;
    } else {
      return targets;
    }
  }
  template <std::size_t I>
  const auto& get() const {
    return const_cast<Batch*>(this)->get<I>();
  }
};

/// What `DataLoader` makes of the samples of a batch: each of their tensors stacked, [N, …], in
/// memory of its own, outside every graph. Errors: no sample, samples of different sizes.
Batch default_collate(const std::vector<Sample>& samples);

/// What `AnyDataset` asks of a data set.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual int64_t size() const = 0;         ///< how many samples
  virtual Sample get(int64_t i) const = 0;  ///< sample i, from 0
  /// Samples rows[0], …, rows[count - 1]: each of their tensors stacked, [count, …]. Here: one by
  /// one.
  virtual Sample get_batch(const int64_t* rows, int64_t count) const;
  /// The memory of a sample, about; 0 where that is not known beforehand.
  virtual int64_t sample_bytes() const { return 0; }
  /// Where it is a `Dataset`: its tensors, contiguous. Null otherwise.
  virtual const Dataset* tensors() const { return nullptr; }
};

namespace detail {

inline Sample as_sample(Sample tensors) { return tensors; }
inline Sample as_sample(Tensor input) { return {std::move(input)}; }
inline Sample as_sample(std::pair<Tensor, Tensor> pair) {
  return {std::move(pair.first), std::move(pair.second)};
}

template <class T>
struct OwnSource final : SampleSource {
  explicit OwnSource(T own_set) : set(std::move(own_set)) {}
  int64_t size() const override { return static_cast<int64_t>(set.size()); }
  Sample get(int64_t i) const override { return as_sample(set.get(i)); }
  T set;
};

template <class T>
concept HasSamples = requires(T& set) {
  set.size();
  set.get(int64_t{0});
};

}  // namespace detail

/// A handle on any data set: a `Dataset`, or anything of yours with `size()` and `get(i)`, which
/// returns the tensors of sample i, a `data::Sample`, as all samples have them: of the same number,
/// shapes and types.
/// ```cpp
/// struct Pictures {
///   std::vector<std::string> paths;
///   std::vector<int64_t> labels;
///   int64_t size() const { return static_cast<int64_t>(paths.size()); }
///   data::Sample get(int64_t i) const { return {read_picture(paths[i]), tensor(labels[i])}; }
/// };
/// data::DataLoader loader(Pictures{paths, classes}, {.batch_size = 32, .num_workers = 4});
/// ```
/// Both are const: several threads may call them at once. What `get` draws from the default
/// generator depends, in a loader, on its seed, the epoch and the batch alone.
class AnyDataset {
 public:
  /// Refuses inputs and targets of different lengths.
  AnyDataset(const Dataset& tensors);
  template <class T>
  requires(detail::HasSamples<T> && !std::derived_from<T, AnyDataset>) AnyDataset(T set) {
    static_assert(
        requires(const T& s) { detail::as_sample(s.get(int64_t{0})); },
        "get(int64_t) const must return a data::Sample, a Tensor, or a pair of Tensors");
    static_assert(
        requires(const T& s) { static_cast<int64_t>(s.size()); },
        "size() must be const, for several threads may call it");
    source_ =
        with_memory(0, [&] { return std::make_shared<detail::OwnSource<T>>(std::move(set)); });
  }
  explicit AnyDataset(std::shared_ptr<const SampleSource> source);  ///< refuses null

  int64_t size() const { return source_->size(); }  ///< how many samples
  /// Refuses numbers outside 0, …, size() - 1.
  Sample get(int64_t i) const;
  const SampleSource& source() const { return *source_; }  ///< what it was made of

 private:
  std::shared_ptr<const SampleSource> source_;
};

namespace detail {
Batch as_batch(Sample tensors);
/// Errors come from the operation `op`.
AnyDataset tensor_set(const char* op, const Dataset& tensors);
}  // namespace detail

/// Samples indices[0], indices[1], … of another set. PyTorch: `Subset`. Errors: an index that `set`
/// does not have.
struct Subset : AnyDataset {
  Subset(const AnyDataset& set, std::vector<int64_t> indices);
};

/// One set after the other, as of several files. PyTorch: `ConcatDataset`. Errors: a negative
/// size().
struct ConcatDataset : AnyDataset {
  explicit ConcatDataset(std::vector<AnyDataset> sets);
};

/// Cuts a set at random into parts of these lengths, or these fractions of the whole where they add
/// up to 1: each rounded down, what is left going to the first parts, one sample each. Errors:
/// negative ones, and those of another sum.
/// ```cpp
/// auto parts = data::random_split(data::mnist(dir), {0.9, 0.1});
/// data::DataLoader train(parts[0], {.batch_size = 64, .shuffle = true}), valid(parts[1]);
/// ```
std::vector<AnyDataset> random_split(const AnyDataset& set, const std::vector<double>& lengths,
                                     Generator& generator = default_generator());

}  // namespace norma::data

template <>
struct std::tuple_size<norma::data::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, norma::data::Batch> {
  using type = norma::Tensor;
};
