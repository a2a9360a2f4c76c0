// The process group and its collective operations, on every number of ranks.
#include <norma/distributed.h>

#include <chrono>
#include <thread>

#include "group.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

using namespace norma;
namespace dist = norma::distributed;
using dist::ReduceOp;

namespace {

const DType kAll[] = {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64};

/// Values that tell rank and place, small enough for products of four in uint8.
Tensor mine(int rank, DType dtype, const Shape& sizes = {2, 3}) {
  std::vector<double> values;
  for (int64_t i = 0; i < sizes.numel(); ++i)
    values.push_back(dtype == kBool ? static_cast<double>((i >> rank) & 1)
                                    : static_cast<double>((i + rank) % 3 + (rank == 0)));
  return tensor_of(values, sizes, dtype);
}

/// The reduction of all ranks' values in double, element by element.
Tensor reduced(ReduceOp op, DType dtype, const Shape& sizes = {2, 3}) {
  std::vector<double> result = to_vector(mine(0, dtype, sizes));
  const int size = dist::get_world_size();
  for (int rank = 1; rank < size; ++rank) {
    const std::vector<double> other = to_vector(mine(rank, dtype, sizes));
    for (std::size_t i = 0; i < result.size(); ++i) {
      const double x = result[i], y = other[i];
      result[i] = op == ReduceOp::Min       ? std::min(x, y)
                  : op == ReduceOp::Max     ? std::max(x, y)
                  : op == ReduceOp::Product ? x * y
                                            : x + y;
    }
  }
  for (double& x : result) {
    if (op == ReduceOp::Avg) x /= size;
    if (dtype == kBool) x = x != 0;
  }
  return tensor_of(result, sizes, dtype);
}

/// How many elements a call of MPI carries, for a while.
class SmallParts {
 public:
  explicit SmallParts(int64_t most) { dist::most_elements() = most; }
  ~SmallParts() { dist::most_elements() = before_; }
  SmallParts(const SmallParts&) = delete;
  SmallParts& operator=(const SmallParts&) = delete;

 private:
  const int64_t before_ = dist::most_elements();
};

}  // namespace

TEST_CASE("Without a group every function names what makes one") {
  CHECK_FALSE(dist::is_initialized());
  const std::string words =
      "] expected a process group, got none; call distributed::init_process_group() first";
  const Tensor x = ones({2});
  CHECK(error_of([] { dist::get_rank(); }) == "[get_rank" + words);
  CHECK(error_of([] { dist::get_world_size(); }) == "[get_world_size" + words);
  CHECK(error_of([] { dist::barrier(); }) == "[barrier" + words);
  CHECK(error_of([&] { dist::broadcast(x, 0); }) == "[broadcast" + words);
  CHECK(error_of([&] { dist::all_reduce(x); }) == "[all_reduce" + words);
  CHECK(error_of([&] { dist::all_gather(x); }) == "[all_gather" + words);
  CHECK(error_of([] { dist::all_gather_object("a"); }) == "[all_gather_object" + words);
  CHECK(error_of([] { dist::destroy_process_group(); }) == "[destroy_process_group" + words);
  CHECK(error_of([] { dist::init_process_group({.timeout = 0}); }) ==
        "[init_process_group] expected a timeout above 0 s, got 0.0");
}

TEST_CASE("A group begins, is there once, ends and begins again") {
  for (int round = 0; round < 2; ++round) {
    dist::init_process_group();
    CHECK(dist::is_initialized());
    CHECK(error_of([] { dist::init_process_group(); }) ==
          "[init_process_group] expected to be called once, got a process group that is there "
          "already; call destroy_process_group() first");
    int rank = -1, size = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    CHECK(dist::get_rank() == rank);
    CHECK(dist::get_world_size() == size);
    dist::barrier();
    dist::destroy_process_group();
    CHECK_FALSE(dist::is_initialized());
  }
  dist::init_process_group();  // of the cases below
}

TEST_CASE("A barrier holds every rank until the last one is there") {
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch());
  };
  for (int late = 0; late < dist::get_world_size(); ++late) {
    if (dist::get_rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const Tensor came = tensor({now().count()}, {.dtype = kFloat64});
    dist::barrier();
    const double went = now().count();
    dist::all_reduce(came, ReduceOp::Max);
    CHECK(went >= came.item<double>());
  }
}

TEST_CASE("broadcast gives every dtype, from every rank, in parts too, whatever the strides") {
  for (const int64_t most : {int64_t{1} << 30, int64_t{4}, int64_t{1}}) {
    const SmallParts parts(most);
    for (const DType dtype : kAll) {
      for (int src = 0; src < dist::get_world_size(); ++src) {
        const Tensor x = mine(dist::get_rank(), dtype);
        const uint64_t version = x.version();
        dist::broadcast(x, src);
        CHECK(differing_bits(x, mine(src, dtype)).empty());
        CHECK(x.version() > version);
        const Tensor strided = scattered(mine(dist::get_rank(), dtype));
        REQUIRE_FALSE(strided.is_contiguous());
        dist::broadcast(strided, src);
        CHECK(differing_bits(strided, mine(src, dtype)).empty());
      }
    }
  }
  CHECK(error_of([] { dist::broadcast(Tensor(), 0); }) ==
        "[broadcast] expected a tensor, got an undefined one");
  const std::string last = std::to_string(dist::get_world_size() - 1);
  CHECK(error_of([] { dist::broadcast(ones({1}), -1); }) ==
        "[broadcast] expected a rank from 0 to " + last + " as src, got -1");
  CHECK(error_of([] { dist::broadcast(ones({1}), dist::get_world_size()); }) ==
        "[broadcast] expected a rank from 0 to " + last + " as src, got " +
            std::to_string(dist::get_world_size()));
}

TEST_CASE("all_reduce reduces every dtype as a loop over the ranks does") {
  const ReduceOp ops[] = {ReduceOp::Sum, ReduceOp::Avg, ReduceOp::Product, ReduceOp::Min,
                          ReduceOp::Max};
  for (const int64_t most : {int64_t{1} << 30, int64_t{4}}) {
    const SmallParts parts(most);
    for (const DType dtype : kAll) {
      for (const ReduceOp op : ops) {
        const Tensor x = mine(dist::get_rank(), dtype);
        if (op == ReduceOp::Avg && !is_floating(dtype)) {
          CHECK(error_of([&] { dist::all_reduce(x, op); }) ==
                std::string("[all_reduce] expected floating numbers for ReduceOp::Avg, got ") +
                    dtype_name(dtype) + "; convert them with to(kFloat64)");
          continue;
        }
        const Tensor strided = scattered(x);
        dist::all_reduce(x, op);
        CHECK(mismatch(x, reduced(op, dtype), 1e-7) == "");
        dist::all_reduce(strided, op);
        CHECK(differing_bits(strided, x).empty());
      }
    }
  }
  const Tensor none = zeros({0, 3});
  dist::all_reduce(none);
  CHECK(none.sizes() == Shape({0, 3}));
  CHECK(error_of([] { dist::all_reduce(Tensor()); }) ==
        "[all_reduce] expected a tensor, got an undefined one");
}

TEST_CASE("A leaf that requires a gradient is reduced outside the graph") {
  const Tensor x = full({2}, 1.0 + dist::get_rank());
  Tensor leaf = x.clone();
  leaf.requires_grad_();
  dist::all_reduce(leaf, ReduceOp::Max);
  CHECK(leaf.is_leaf());
  CHECK(leaf[0].item<int>() == dist::get_world_size());
  const Tensor y = (leaf * 2).sum();
  y.backward();
  CHECK(leaf.grad()[1].item<float>() == 2);
}

TEST_CASE("All ranks get the same bits, run for run") {
  for (const int64_t count : {1, 7, 1000, 300001}) {
    Tensor first;
    for (int run = 0; run < 3; ++run) {
      manual_seed(static_cast<uint64_t>(100 + dist::get_rank()));
      const Tensor x = randn({count});
      dist::all_reduce(x);
      for (const Tensor& other : dist::all_gather(x)) REQUIRE(differing_bits(other, x).empty());
      if (run == 0) first = x;
      REQUIRE(differing_bits(x, first).empty());
    }
  }
}

TEST_CASE("Asynchronous operations go on, are waited for, or left to the group") {
  const Tensor x = mine(dist::get_rank(), kFloat64), y = scattered(x), z = x.clone();
  dist::Work a = dist::all_reduce(x, ReduceOp::Avg, true);
  dist::Work b = dist::broadcast(y, dist::get_world_size() - 1, true);
  dist::all_reduce(z.clone(), ReduceOp::Sum, true);  // nobody waits for it
  b.wait();
  b.wait();
  while (!a.is_completed()) {
  }
  CHECK(a.is_completed());
  CHECK(mismatch(x, reduced(ReduceOp::Avg, kFloat64), 1e-15) == "");
  CHECK(differing_bits(y, mine(dist::get_world_size() - 1, kFloat64)).empty());
  dist::Work nothing;
  nothing.wait();
  CHECK(nothing.is_completed());
  dist::barrier();
}

TEST_CASE("all_gather gives tensors of unlike sizes, texts too") {
  const int rank = dist::get_rank(), size = dist::get_world_size();
  for (const DType dtype : kAll) {
    const auto shape = [](int of) { return of == 1 ? Shape() : Shape({of, 2}); };
    const std::vector<Tensor> all = dist::all_gather(
        rank == 0 ? mine(0, dtype, shape(0)) : scattered(mine(rank, dtype, shape(rank))));
    REQUIRE(static_cast<int>(all.size()) == size);
    for (int i = 0; i < size; ++i) {
      CHECK(differing_bits(all[static_cast<std::size_t>(i)], mine(i, dtype, shape(i))).empty());
    }
  }
  const auto xs = [](int count) { return std::string(static_cast<std::size_t>(count), 'x'); };
  const std::vector<std::string> texts = dist::all_gather_object(xs(rank));
  REQUIRE(static_cast<int>(texts.size()) == size);
  for (int i = 0; i < size; ++i) CHECK(texts[static_cast<std::size_t>(i)] == xs(i));
  if (size > 1) {
    CHECK(error_of([&] { dist::all_gather(ones({1}).to(rank == 1 ? kInt64 : kFloat32)); }) ==
          "[all_gather] expected tensors of one dtype, got float32 on rank 0 and int64 on rank 1");
  }
  CHECK(error_of([] { dist::all_gather(Tensor()); }) ==
        "[all_gather] expected a tensor, got an undefined one");
}

TEST_CASE("What MPI reports is an Error with its words") {
  // Of unlike sizes a broadcast is wrong; only the ranks that get too much can tell.
  const int rank = dist::get_rank();
  const std::string message = error_of([&] { dist::broadcast(zeros({rank == 0 ? 9 : 5}), 0); });
  if (rank == 0) {
    CHECK(message == "no error");
  } else {
    CHECK(message ==
          "[broadcast] expected MPI_Ibcast to succeed, got MPI_ERR_TRUNCATE: message truncated "
          "(rank " +
              std::to_string(rank) + " of " + std::to_string(dist::get_world_size()) + ")");
  }
}
