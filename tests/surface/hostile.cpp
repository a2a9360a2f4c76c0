#include "norma/tests/surface/hostile.h"

#include <cmath>
#include <ctime>
#include <iterator>
#include <limits>
#include <typeinfo>

#include "norma/tests/support/limited.h"

#ifdef NORMA_SANITIZE
// What is too much for the machine is refused, as without the sanitizer.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:max_allocation_size_mb=512";
}
#endif

namespace surface {

using namespace norma;

namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kWholes[] = {0,
                               1,
                               -1,
                               2,
                               3,
                               -2,
                               -7,
                               8,
                               9,
                               100,
                               255,
                               256,
                               1'000'000'000,
                               int64_t{1} << 31,
                               (int64_t{1} << 31) - 1,
                               -(int64_t{1} << 31),
                               (int64_t{1} << 32) + 1,
                               int64_t{1} << 40,
                               (int64_t{1} << 53) + 1,
                               int64_t{1} << 60,
                               int64_t{1} << 61,
                               -(int64_t{1} << 61),
                               int64_t{1} << 62,
                               (int64_t{1} << 62) - 1,
                               kMax / 2,
                               kMax - 1,
                               kMax,
                               kMin + 1,
                               kMin};
constexpr double kReals[] = {0.0,
                             -0.0,
                             1.0,
                             -1.0,
                             0.5,
                             2.0,
                             -0.5,
                             1e-320,
                             1e308,
                             -1e308,
                             1e20,
                             std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()};

#ifdef NORMA_SANITIZE
constexpr int kDraws = 60;
constexpr double kMostSeconds = 20;
#else
constexpr int kDraws = 300;
constexpr double kMostSeconds = 2;
#endif
constexpr rlim_t kMostMemory = 768 << 20;

/// What is wrong with a call, "" for nothing.
std::string complaint(const Row& row, uint64_t seed) {
  Hostile hostile(seed);
  std::string problem;
  const std::clock_t start = std::clock();
  try {
    row.call(hostile);
  } catch (const Error&) {
  } catch (const std::exception& error) {
    problem = std::string(typeid(error).name()) + ": " + error.what();
  } catch (...) {
    problem = "threw something";
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  if (problem.empty() && seconds > kMostSeconds) problem = "took " + rounded(seconds, 3) + " s";
  if (problem.empty()) return "";
  return std::string(row.names) + ", draw " + std::to_string(seed) + ": " + problem + "; with" +
         hostile.log() + "\n";
}

/// The draws [first, last) of a row, in a child that may die of them.
std::string run(const Row& row, int first, int last) {
  return child_says(kMostMemory, [&] {
    std::string all;
    for (int draw = first; draw < last && all.size() < 2000; ++draw) {
      all += complaint(row, static_cast<uint64_t>(draw));
      set_detect_anomaly(false);
      set_num_threads(2);
    }
    return all;
  });
}

}  // namespace

Hostile::Hostile(uint64_t seed) : generator_(seed) {
  constexpr double kRates[] = {0.0, 0.1, 0.25, 0.5, 1.0};
  rate_ = kRates[seed % 5];
}

int64_t Hostile::below(int64_t n) {
  return static_cast<int64_t>(generator_.below(static_cast<uint64_t>(n)));
}

bool Hostile::is_sane() { return generator_.uniform() >= rate_; }

template <class T>
T Hostile::note(const char* kind, T value) {
  log_ += text(' ', kind, ' ', value);
  return value;
}

int64_t Hostile::whole(int64_t sane) {
  return note("whole", is_sane() ? sane : kWholes[below(std::ssize(kWholes))]);
}

double Hostile::real(double sane) {
  return note("real", is_sane() ? sane : kReals[below(std::ssize(kReals))]);
}

bool Hostile::flag() { return note("flag", below(2) == 1); }

Scalar Hostile::scalar(double sane) {
  switch (below(3)) {
    case 0:
      return flag();
    case 1:
      return whole(static_cast<int64_t>(sane));
    default:
      return real(sane);
  }
}

Shape Hostile::shape(const Shape& sane) {
  if (is_sane()) return note("shape", sane);
  Shape sizes = below(2) == 0 ? sane : Shape();
  const int64_t rank = sizes.empty() ? below(6) : sizes.size();
  while (sizes.size() < rank) sizes.push_back(below(4));
  for (int64_t changes = below(3); changes > 0 && rank > 0; --changes) {
    sizes[below(rank)] = kWholes[below(std::ssize(kWholes))];
  }
  return note("shape", sizes);
}

DType Hostile::dtype(DType sane) {
  return note("dtype", is_sane() ? sane : static_cast<DType>(below(6)));
}

Tensor Hostile::tensor(const Shape& sane, DType dtype) {
  const bool floating = is_floating(dtype);
  const auto filled = [&](const Shape& sizes, DType type) {
    Tensor values = arange(sizes.numel()).to(kFloat64).mul(0.37).sub(1.0).reshape(sizes);
    if (!floating) values = values.abs().mul(0.2);
    return values.to(type).detach();
  };
  Tensor made;
  const int64_t kind = is_sane() ? -1 : below(14);
  // Far more than there is, or little: what is between takes its time.
  const int64_t giant = below(3) == 0 ? 100'000 : int64_t{1} << (33 + below(29));
  switch (kind) {
    case -1:
      made = filled(sane, dtype);
      break;
    case 0:
      log_ += " undefined";
      return {};
    case 1:
      made = filled(Shape::filled(below(9), below(3)), dtype);
      break;
    case 2:
      made = filled(sane, static_cast<DType>(below(6)));
      break;
    case 3:  // a giant without memory, of one value
      made = filled({}, dtype).expand(Shape::filled(1, giant));
      break;
    case 4: {
      Shape sizes = sane.empty() ? Shape{1} : sane;
      sizes[below(sizes.size())] = giant;
      made = filled(Shape::filled(sizes.size(), 1), dtype).expand(sizes);
      break;
    }
    case 5: {  // nothing, of a giant shape
      Shape sizes = sane.empty() ? Shape{1, 1} : sane;
      sizes[below(sizes.size())] = giant;
      sizes[below(sizes.size())] = 0;
      made = empty(sizes, {.dtype = dtype});
      break;
    }
    case 6:
      made = filled(sane, dtype);
      if (floating) made.fill_(kReals[below(std::ssize(kReals))]);
      break;
    case 7: {  // with gaps, backwards
      Shape order, back;
      for (int64_t i = sane.size() - 1; i >= 0; --i) {
        order.push_back(2 * sane[i] + 1);
        back.push_back(i);
      }
      made = filled(order, dtype).permute(back);
      for (int64_t i = 0; i < sane.size(); ++i) made = made.slice(i, 1, 2 * sane[i] + 1, 2);
      made = made.detach();
      break;
    }
    case 8:
      made = filled({}, dtype);
      break;
    case 9:
      made = empty({0}, {.dtype = dtype});
      break;
    case 10: {
      Shape sizes = sane;
      for (int64_t i = 0; i < sizes.size(); ++i) {
        if (below(2) == 0) sizes[i] = below(4);
      }
      made = filled(sizes, dtype);
      break;
    }
    case 11:
      made = filled({2}, dtype).expand({3, 2}).select(0, 1);
      break;
    case 12:  // a result whose graph is gone already
      made = filled(sane, floating ? dtype : kFloat32).requires_grad_().mul(2);
      if (made.numel() > 0) made.sum().backward();
      log_ += " freed graph";
      return note("tensor", made.sizes()), made;
    default:  // a part of a leaf
      made = filled(sane, floating ? dtype : kFloat32).requires_grad_().view(sane);
      return note("tensor", made.sizes()), made;
  }
  log_ += std::string(" ") + dtype_name(made.dtype());
  note("tensor", made.sizes());
  if (is_floating(made.dtype()) && below(2) == 0) made.requires_grad_();
  return made;
}

std::vector<Tensor> Hostile::tensors(const Shape& sane) {
  std::vector<Tensor> list;
  for (int64_t i = is_sane() ? 2 : below(4); i > 0; --i) list.push_back(tensor(sane));
  return list;
}

std::string Hostile::word(const std::string& sane) {
  const std::string words[] = {"",  ".",          "a.b",      std::string(3, '\0'),  "\x1b[31m\n",
                               "0", "bogus name", "\xff\xfe", std::string(5000, 'x')};
  return note("word", is_sane() ? sane : words[below(std::ssize(words))]);
}

void use(const Tensor& result) {
  if (!result.defined()) return;
  static_cast<void>(result.str());
  if (!result.requires_grad()) return;
  result.sum().backward();
}

std::string complaints(const std::vector<Row>& table) {
  std::string all;
  for (const Row& row : table) {
    const std::string found = run(row, 0, kDraws);
    all += found;
    if (found.find("(signal ") == std::string::npos) continue;
    for (int draw = 0; draw < kDraws; ++draw) {  // which of them was it?
      const std::string end = run(row, draw, draw + 1);
      if (end.find("(signal ") == std::string::npos) continue;
      all += std::string(row.names) + ", draw " + std::to_string(draw) + " died" + end + "\n";
      break;
    }
  }
  return all;
}

}  // namespace surface
