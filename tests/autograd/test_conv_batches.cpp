// What a convolution answers for a sample: the same bits in every batch, at every place in it, in
// any company and on any number of threads.
#include <norma/norma.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/thread_count.h"

using namespace norma;

namespace {

struct Case {
  Shape x, w;  // of a sample: [C, H, W] or [C, L]
  functional::ConvOptions options;
  bool bias = true;
  DType dtype = kFloat32;

  std::string str() const {
    return text("x ", x, " w ", w, " stride ", options.stride, " padding ", options.padding,
                " dilation ", options.dilation, " groups ", options.groups, ' ', dtype_name(dtype));
  }
};

struct Layer {
  explicit Layer(const Case& of)
      : c(of),
        w(randn(c.w, {.dtype = c.dtype})),
        b(c.bias ? randn({c.w[0]}, {.dtype = c.dtype}) : Tensor()) {}

  Tensor operator()(const Tensor& x) const {
    const NoGradGuard no_grad;
    if (c.w.size() == 4) return functional::conv2d(x, w, b, c.options);
    return functional::conv1d(x, w, b,
                              {.stride = c.options.stride.w,
                               .padding = c.options.padding.size().w,
                               .dilation = c.options.dilation.w,
                               .groups = c.options.groups});
  }
  Tensor samples(int64_t count) const {
    Shape sizes{count};
    for (const int64_t size : c.x) sizes.push_back(size);
    return randn(sizes, {.dtype = c.dtype});
  }

  Case c;
  Tensor w, b;
};

std::string bytes_of(const Tensor& sample) {
  const Tensor own = sample.contiguous();
  const auto size = static_cast<std::size_t>(own.numel());
  return own.dtype() == kFloat64
             ? std::string(reinterpret_cast<const char*>(own.data_ptr<double>()), 8 * size)
             : std::string(reinterpret_cast<const char*>(own.data_ptr<float>()), 4 * size);
}
std::vector<std::string> rows_of(const Tensor& batch) {
  std::vector<std::string> rows;
  for (int64_t i = 0; i < batch.size(0); ++i) rows.push_back(bytes_of(batch.select(0, i)));
  return rows;
}

// How many rows of `got` are not those of `want` at these places.
int64_t strangers(const Tensor& got, const std::vector<std::string>& want,
                  const std::vector<int64_t>& places) {
  int64_t count = 0;
  for (int64_t i = 0; i < got.size(0); ++i) {
    const auto place = static_cast<std::size_t>(places[static_cast<std::size_t>(i)]);
    count += bytes_of(got.select(0, i)) != want[place];
  }
  return count;
}

std::vector<int64_t> range(int64_t first, int64_t count) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) places.push_back(first + i);
  return places;
}

void check_batches(const Case& c, const std::vector<int64_t>& sizes) {
  INFO(c.str());
  const Layer layer(c);
  const int64_t most = sizes.back();
  const Tensor x = layer.samples(most);
  std::vector<std::string> want;
  {
    const ThreadCount guard(1);
    for (int64_t i = 0; i < most; ++i) want.push_back(bytes_of(layer(x.select(0, i))));
  }
  for (const int threads : {1, 2}) {
    const ThreadCount guard(threads);
    INFO(threads << " threads");
    for (const int64_t size : sizes) {
      INFO("batch " << size);
      const int64_t last = most - size;
      CHECK(strangers(layer(x.narrow(0, 0, size)), want, range(0, size)) == 0);
      CHECK(strangers(layer(x.narrow(0, last, size)), want, range(last, size)) == 0);
      const std::vector<int64_t> copies(static_cast<std::size_t>(size), last);
      CHECK(strangers(layer(x.index_select(0, tensor(copies))), want, copies) == 0);
      std::vector<int64_t> mixed;
      for (int64_t i = 0; i < size; ++i) mixed.push_back((7 * i + 3) % most);
      CHECK(strangers(layer(x.index_select(0, tensor(mixed))), want, mixed) == 0);
    }
  }
}

#ifdef NORMA_SANITIZE
std::vector<int64_t> all_sizes() { return {1, 2, 3, 7, 16, 33, 70}; }
#else
std::vector<int64_t> all_sizes() { return range(1, 70); }
#endif
const std::vector<int64_t> kSome = {1, 2, 3, 5, 8, 9, 17, 31};

}  // namespace

TEST_CASE("a sample of small images has the same bits in every batch") {
  manual_seed(1);
  const Case cases[] = {
      {{8, 8, 8}, {16, 8, 3, 3}, {.padding = 1}},                     // Winograd
      {{16, 5, 7}, {9, 16, 3, 3}, {.padding = 1}, false},             // the same, odd
      {{16, 5, 5}, {16, 8, 3, 3}, {.padding = 1, .groups = 2}},       // the same, grouped
      {{16, 4, 4}, {16, 16, 3, 3}, {.padding = 1}},                   // too small for it
      {{16, 2, 3}, {8, 16, 3, 3}, {.padding = 1}},                    //
      {{1, 9, 9}, {6, 1, 3, 3}, {.padding = 1}},                      // one channel
      {{3, 9, 11}, {5, 3, 5, 5}, {.stride = 2, .padding = 2}},        // strided
      {{4, 7, 7}, {6, 4, 3, 2}, {.padding = 1, .dilation = {2, 1}}},  // dilated
      {{6, 4, 4}, {7, 6, 1, 1}, {}},                                  // pointwise, as it is
      {{6, 5, 3}, {7, 6, 1, 1}, {}},                                  // the same, not whole vectors
      {{6, 3, 3}, {7, 6, 1, 1}, {}},                                  // several images at once
      {{6, 5, 3}, {7, 6, 1, 1}, {.stride = 2}, false},                //
      {{6, 6, 6}, {8, 3, 3, 3}, {.padding = 1, .groups = 2}},         // grouped
      {{5, 6, 7}, {5, 1, 3, 3}, {.padding = 1, .groups = 5}},         // depthwise
      {{3, 9, 8}, {6, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 3}},
      {{40, 3, 3}, {33, 40, 3, 3}, {.padding = 1}},  // long sums
      {{40, 3, 3}, {33, 40, 3, 3}, {}},              // as large as the image
      {{12, 4, 4}, {1, 12, 4, 4}, {}},
      {{3, 20}, {5, 3, 3}, {.padding = Pair(0, 1)}},
      {{4, 21}, {6, 4, 5}, {.stride = Pair(1, 3), .padding = Pair(0, 2)}},
      {{8, 17}, {8, 8, 3}, {.padding = Pair(0, 2), .dilation = Pair(1, 2)}, false},
      {{6, 16}, {4, 6, 1}, {}},
      {{6, 19}, {6, 1, 4}, {.groups = 6}},
      {{1, 30}, {3, 1, 7}, {}},
  };
  for (Case c : cases) {
    check_batches(c, all_sizes());
    c.dtype = kFloat64;
    check_batches(c, kSome);
  }
}

TEST_CASE("a sample of larger images has the same bits in every batch") {
  manual_seed(2);
  const Case cases[] = {
      {{16, 32, 32}, {16, 16, 3, 3}, {.padding = 1}, false},
      {{64, 14, 14}, {96, 64, 3, 3}, {.padding = 1}},
      {{300, 7, 7}, {40, 300, 3, 3}, {.padding = 1}},
      {{40, 27, 27}, {30, 40, 5, 5}, {.padding = 2}},  // channels in parts
      {{3, 33, 33}, {24, 3, 7, 7}, {.stride = 2, .padding = 3}},
      {{64, 16, 16}, {80, 64, 1, 1}, {}},
      {{64, 15, 15}, {80, 64, 1, 1}, {.stride = 2}},
      {{24, 28, 28}, {24, 1, 3, 3}, {.padding = 1, .groups = 24}},
      {{24, 29, 29}, {24, 1, 5, 5}, {.stride = 2, .padding = 2, .groups = 24}},
      {{32, 300}, {48, 32, 5}, {.padding = Pair(0, 2)}},
      {{1, 2000}, {8, 1, 9}, {.stride = Pair(1, 4)}},
  };
  for (const Case& c : cases) check_batches(c, kSome);
}

TEST_CASE("samples that are not finite leave their neighbours' bits alone") {
  manual_seed(3);
  const double kInf = std::numeric_limits<double>::infinity();
  const Case cases[] = {{{8, 8, 8}, {16, 8, 3, 3}, {.padding = 1}},
                        {{6, 4, 4}, {7, 6, 1, 1}, {}},
                        {{4, 9, 9}, {6, 4, 3, 3}, {.stride = 2}},
                        {{5, 6, 7}, {5, 1, 3, 3}, {.padding = 1, .groups = 5}}};
  for (const Case& c : cases) {
    INFO(c.str());
    const Layer layer(c);
    const Tensor x = layer.samples(11);
    const std::vector<std::string> want = rows_of(layer(x));
    for (const double value : {kInf, -kInf, std::nan(""), 3e38}) {
      Tensor spoilt = x.clone();
      for (const int64_t i : {0, 4, 5, 10}) spoilt.select(0, i).select(0, 1).fill_(value);
      for (const int threads : {1, 2}) {
        const ThreadCount guard(threads);
        const Tensor y = layer(spoilt);
        const std::vector<std::string> got = rows_of(y);
        for (const std::size_t i : {1U, 2U, 3U, 6U, 7U, 8U, 9U}) CHECK(got[i] == want[i]);
        for (const int64_t i : {0, 4, 5, 10}) {
          CHECK(bytes_of(layer(spoilt.select(0, i))) == got[static_cast<std::size_t>(i)]);
        }
      }
    }
  }
}

TEST_CASE("a convolution follows every change of its weights, with the bits of a first use") {
  manual_seed(4);
  const Case cases[] = {{{8, 8, 8}, {16, 8, 3, 3}, {.padding = 1}},
                        {{16, 5, 5}, {18, 8, 3, 3}, {.padding = 1, .groups = 2}},
                        {{6, 4, 4}, {7, 6, 1, 1}, {}},
                        {{4, 9, 9}, {6, 4, 3, 3}, {.stride = 2}, false},
                        {{5, 6, 7}, {5, 1, 3, 3}, {.padding = 1, .groups = 5}},
                        {{3, 20}, {5, 3, 3}, {}}};
  for (Case c : cases) {
    for (const DType dtype : {kFloat32, kFloat64}) {
      c.dtype = dtype;
      INFO(c.str());
      Layer layer(c);
      const Tensor x = layer.samples(3);
      for (int change = 0; change < 3; ++change) {
        Layer fresh = layer;
        fresh.w = layer.w.clone();
        const std::vector<std::string> want = rows_of(fresh(x));
        for (int use = 0; use < 4; ++use) CHECK(rows_of(layer(x)) == want);
        Tensor moved = layer.w.transpose(0, 1).contiguous().transpose(0, 1);
        fresh.w = moved;
        for (int use = 0; use < 3; ++use) CHECK(rows_of(fresh(x)) == want);
        layer.w.mul_(change == 0 ? 1.25 : -0.75);
        if (c.bias) layer.b.add_(1.0);
      }
    }
  }
}
