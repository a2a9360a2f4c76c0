#include "operations.h"

#include <map>
#include <sstream>
#include <utility>

namespace bench {

namespace F = norma::functional;
namespace nn = norma::nn;
using norma::Pair;
using norma::Shape;
using norma::Tensor;

namespace {

class Line {
 public:
  explicit Line(const std::string& text) : text_(text) {
    std::istringstream words(text);
    words >> operation_;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos) {
        shapes_.push_back(numbers(word, 'x'));
      } else {
        options_[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }

  const std::string& operation() const { return operation_; }
  std::size_t inputs() const { return shapes_.size(); }
  const Shape& shape(std::size_t i) const {
    if (i >= shapes_.size()) refuse("more shapes");
    return shapes_[i];
  }
  bool has(const std::string& name) const { return options_.count(name) != 0; }
  std::string word(const std::string& name) const {
    const auto found = options_.find(name);
    if (found == options_.end()) refuse("the option " + name);
    return found->second;
  }
  Shape list(const std::string& name) const { return numbers(word(name), ','); }
  int64_t number(const std::string& name) const { return list(name)[0]; }
  int64_t number(const std::string& name, int64_t otherwise) const {
    return has(name) ? number(name) : otherwise;
  }
  Pair pair(const std::string& name, int64_t otherwise) const {
    if (!has(name)) return otherwise;
    const Shape values = list(name);
    return {values[0], values.back()};
  }

  Tensor normal(std::size_t i) const { return norma::randn(shape(i), options()); }
  /// In [0.5, 1.5).
  Tensor positive(std::size_t i) const { return norma::rand(shape(i), options()) + 0.5; }

  [[noreturn]] void refuse(const std::string& expected) const {
    throw norma::Error("norma_operations", "expected " + expected + ", got '" + text_ + "'");
  }

 private:
  norma::TensorOptions options() const {
    return {.dtype = number("bits", 32) == 64 ? norma::kFloat64 : norma::kFloat32};
  }
  Shape numbers(const std::string& word, char separator) const {
    std::vector<int64_t> result;
    std::istringstream parts(word);
    for (std::string part; std::getline(parts, part, separator);) {
      std::istringstream digits(part);
      int64_t value = 0;
      if (!(digits >> value) || !digits.eof()) refuse("numbers instead of '" + word + "'");
      result.push_back(value);
    }
    return result;
  }

  std::string text_, operation_;
  std::vector<Shape> shapes_;
  std::map<std::string, std::string> options_;
};

using Make = std::function<Operation(const Line&)>;

/// f(x)
template <class F>
Operation one(Tensor x, F f) {
  return {{x}, nullptr, [x, f] { return f(x); }};
}
/// f(a, b), where both may take gradients.
template <class F>
Operation two(Tensor a, Tensor b, F f) {
  return {{a, b}, nullptr, [a, b, f] { return f(a, b); }};
}
template <class Layer>
Operation layer(Layer value, Tensor x) {
  auto shared = std::make_shared<Layer>(std::move(value));
  std::vector<Tensor> leaves = shared->parameters();
  leaves.push_back(x);
  return {leaves, shared, [shared, x] { return (*shared)(x); }};
}

template <class F>
Make unary(F f) {
  return [f](const Line& line) { return one(line.normal(0), f); };
}
template <class F>
Make of_positive(F f) {
  return [f](const Line& line) { return one(line.positive(0), f); };
}
template <class F>
Make binary(F f) {
  return [f](const Line& line) { return two(line.normal(0), line.normal(1), f); };
}
/// f(x, dim)
template <class F>
Make along(F f) {
  return [f](const Line& line) {
    return one(line.normal(0),
               [f, dim = line.number("dim")](const Tensor& x) { return f(x, dim); });
  };
}
/// f(x, dims), or f(x) without them.
template <class F, class All>
Make over(F f, All all) {
  return [f, all](const Line& line) {
    if (!line.has("dims")) return one(line.normal(0), all);
    return one(line.normal(0),
               [f, dims = line.list("dims")](const Tensor& x) { return f(x, dims); });
  };
}
/// f(x, target) with a target as large as x, for which no gradient is asked.
template <class F>
Make loss(F f) {
  return [f](const Line& line) {
    return one(line.normal(0),
               [f, target = line.positive(0)](const Tensor& x) { return f(x, target); });
  };
}
/// f(x, classes), the classes along dimension 1.
template <class F>
Make classes_loss(F f) {
  return [f](const Line& line) {
    Shape sizes = line.shape(0);
    const int64_t classes = sizes[1];
    sizes.erase(1);
    return one(line.normal(0), [f, target = norma::randint(0, classes, sizes)](const Tensor& x) {
      return f(x, target);
    });
  };
}
/// f(all inputs, dim)
template <class F>
Make joined(F f) {
  return [f](const Line& line) {
    std::vector<Tensor> parts;
    for (std::size_t i = 0; i < line.inputs(); ++i) parts.push_back(line.normal(i));
    return Operation{parts, nullptr,
                     [f, parts, dim = line.number("dim")] { return f(parts, dim); }};
  };
}

Operation conv2d(const Line& line) {
  return layer(nn::Conv2d(line.shape(0)[1], line.number("out"), line.pair("kernel", 1),
                          {.stride = line.pair("stride", 1),
                           .padding = line.pair("padding", 0),
                           .dilation = line.pair("dilation", 1),
                           .groups = line.number("groups", 1)}),
               line.normal(0));
}
Operation conv1d(const Line& line) {
  return layer(nn::Conv1d(line.shape(0)[1], line.number("out"), line.number("kernel"),
                          {.stride = line.number("stride", 1),
                           .padding = line.number("padding", 0),
                           .dilation = line.number("dilation", 1),
                           .groups = line.number("groups", 1)}),
               line.normal(0));
}
Operation max_pool2d(const Line& line) {
  const int64_t kernel = line.number("kernel");
  return layer(nn::MaxPool2d(kernel, {.stride = line.number("stride", kernel),
                                      .padding = line.number("padding", 0)}),
               line.normal(0));
}
Operation avg_pool2d(const Line& line) {
  const int64_t kernel = line.number("kernel");
  return layer(nn::AvgPool2d(kernel, {.stride = line.number("stride", kernel),
                                      .padding = line.number("padding", 0)}),
               line.normal(0));
}
Operation max_pool1d(const Line& line) {
  const int64_t kernel = line.number("kernel");
  return layer(nn::MaxPool1d(kernel, {.stride = line.number("stride", kernel)}), line.normal(0));
}
Operation batch_norm(const Line& line) {
  const Shape& sizes = line.shape(0);
  if (sizes.size() == 4) return layer(nn::BatchNorm2d(sizes[1]), line.normal(0));
  return layer(nn::BatchNorm1d(sizes[1]), line.normal(0));
}
Operation layer_norm(const Line& line) {
  const Shape& sizes = line.shape(0);
  Shape normalized;
  for (int64_t i = sizes.size() - line.number("dims"); i < sizes.size(); ++i) {
    normalized.push_back(sizes[i]);
  }
  return layer(nn::LayerNorm(normalized), line.normal(0));
}
Operation embedding(const Line& line) {
  const Shape table = line.list("table");
  const Tensor indices = norma::randint(0, table[0], line.shape(0));
  const auto shared = std::make_shared<nn::Embedding>(table[0], table[1]);
  return {shared->parameters(), shared, [shared, indices] { return (*shared)(indices); }};
}
Operation where(const Line& line) {
  return two(line.normal(0), line.normal(1),
             [condition = line.normal(0) > 0](const Tensor& a, const Tensor& b) {
               return norma::where(condition, a, b);
             });
}
Operation masked_fill(const Line& line) {
  return one(line.normal(0),
             [mask = line.normal(0) > 0](const Tensor& x) { return x.masked_fill(mask, -1e9); });
}
Operation slice(const Line& line) {
  return one(line.normal(0),
             [dim = line.number("dim"), start = line.number("start"), end = line.number("end"),
              step = line.number("step")](const Tensor& x) {
               return x.slice(dim, start, end, step).contiguous();
             });
}
Operation index_select(const Line& line) {
  const int64_t dim = line.number("dim");
  const Tensor index = norma::randint(0, line.shape(0)[dim], line.number("count"));
  return one(line.normal(0), [dim, index](const Tensor& x) { return x.index_select(dim, index); });
}
Operation gather(const Line& line) {
  const int64_t dim = line.number("dim");
  Shape sizes = line.shape(0);
  sizes[dim] = line.number("count");
  const Tensor index = norma::randint(0, line.shape(0)[dim], sizes);
  return one(line.normal(0), [dim, index](const Tensor& x) { return x.gather(dim, index); });
}
Operation pad2d(const Line& line) {
  const Shape sizes = line.list("sizes");
  const std::string word = line.has("mode") ? line.word("mode") : "constant";
  const auto mode = word == "reflect"     ? norma::PaddingMode::Reflect
                    : word == "replicate" ? norma::PaddingMode::Replicate
                    : word == "circular"  ? norma::PaddingMode::Circular
                                          : norma::PaddingMode::Zeros;
  const F::PadSizes pad{sizes[0], sizes[1], sizes[2], sizes[3]};
  return one(line.normal(0), [pad, mode](const Tensor& x) { return F::pad2d(x, pad, mode); });
}

const std::map<std::string, Make>& makers() {
  using T = const Tensor&;
  using Dims = const Shape&;
  static const std::map<std::string, Make> table = {
      {"linear",
       [](const Line& line) {
         return layer(nn::Linear(line.shape(0).back(), line.number("out")), line.normal(0));
       }},
      {"conv2d", conv2d},
      {"conv1d", conv1d},
      {"max_pool2d", max_pool2d},
      {"max_pool1d", max_pool1d},
      {"avg_pool2d", avg_pool2d},
      {"adaptive_avg_pool2d",
       [](const Line& line) {
         return layer(nn::AdaptiveAvgPool2d(line.pair("out", 1)), line.normal(0));
       }},
      {"batch_norm", batch_norm},
      {"group_norm",
       [](const Line& line) {
         return layer(nn::GroupNorm(line.number("groups"), line.shape(0)[1]), line.normal(0));
       }},
      {"layer_norm", layer_norm},
      {"embedding", embedding},
      {"dropout", unary([](T x) { return F::dropout(x, 0.5, true); })},
      {"dropout2d", unary([](T x) { return F::dropout2d(x, 0.5, true); })},

      {"matmul", binary([](T a, T b) { return a.matmul(b); })},
      {"matmul_transposed", binary([](T a, T b) { return a.matmul(b.transpose(-2, -1)); })},

      {"relu", unary([](T x) { return x.relu(); })},
      {"leaky_relu", unary([](T x) { return x.leaky_relu(0.2); })},
      {"gelu", unary([](T x) { return x.gelu(); })},
      {"gelu_tanh", unary([](T x) { return x.gelu(true); })},
      {"sigmoid", unary([](T x) { return x.sigmoid(); })},
      {"tanh", unary([](T x) { return x.tanh(); })},
      {"exp", unary([](T x) { return x.exp(); })},
      {"log", of_positive([](T x) { return x.log(); })},
      {"sqrt", of_positive([](T x) { return x.sqrt(); })},
      {"abs", unary([](T x) { return x.abs(); })},
      {"neg", unary([](T x) { return -x; })},
      {"square", unary([](T x) { return x.square(); })},
      {"pow",
       [](const Line& line) {
         return one(line.positive(0), [exponent = std::stod(line.word("exponent"))](T x) {
           return x.pow(exponent);
         });
       }},
      {"clamp", unary([](T x) { return x.clamp(-0.5, 0.5); })},
      {"add_number", unary([](T x) { return x + 1.5; })},
      {"mul_number", unary([](T x) { return x * 1.5; })},
      {"add", binary([](T a, T b) { return a + b; })},
      {"sub", binary([](T a, T b) { return a - b; })},
      {"mul", binary([](T a, T b) { return a * b; })},
      {"div",
       [](const Line& line) {
         return two(line.normal(0), line.positive(1), [](T a, T b) { return a / b; });
       }},
      {"maximum", binary([](T a, T b) { return a.maximum(b); })},
      {"greater", binary([](T a, T b) { return a > b; })},
      {"equal", binary([](T a, T b) { return a == b; })},
      {"where", where},
      {"masked_fill", masked_fill},

      {"sum", over([](T x, Dims dims) { return x.sum(dims); }, [](T x) { return x.sum(); })},
      {"mean", over([](T x, Dims dims) { return x.mean(dims); }, [](T x) { return x.mean(); })},
      {"var", over([](T x, Dims dims) { return x.var(dims); }, [](T x) { return x.var(); })},
      {"norm", unary([](T x) { return x.norm(); })},
      {"max", along([](T x, int64_t dim) { return x.max(dim).first; })},
      {"min", along([](T x, int64_t dim) { return x.min(dim).first; })},
      {"argmax", along([](T x, int64_t dim) { return x.argmax(dim); })},
      {"softmax", along([](T x, int64_t dim) { return x.softmax(dim); })},
      {"log_softmax", along([](T x, int64_t dim) { return x.log_softmax(dim); })},

      {"clone", unary([](T x) { return x.clone(); })},
      {"transpose",
       [](const Line& line) {
         return one(line.normal(0), [dims = line.list("dims")](T x) {
           return x.transpose(dims[0], dims[1]).contiguous();
         });
       }},
      {"permute",
       [](const Line& line) {
         return one(line.normal(0),
                    [dims = line.list("dims")](T x) { return x.permute(dims).contiguous(); });
       }},
      {"expand",
       [](const Line& line) {
         return one(line.normal(0),
                    [sizes = line.list("sizes")](T x) { return x.expand(sizes).contiguous(); });
       }},
      {"cat", joined([](const auto& parts, int64_t dim) { return norma::cat(parts, dim); })},
      {"stack", joined([](const auto& parts, int64_t dim) { return norma::stack(parts, dim); })},
      {"slice", slice},
      {"index_select", index_select},
      {"gather", gather},
      {"pad2d", pad2d},

      {"cross_entropy", classes_loss([](T x, T target) { return F::cross_entropy(x, target); })},
      {"nll_loss", classes_loss([](T x, T target) { return F::nll_loss(x, target); })},
      {"mse_loss", loss([](T x, T target) { return F::mse_loss(x, target); })},
      {"l1_loss", loss([](T x, T target) { return F::l1_loss(x, target); })},
      {"bce_with_logits",
       loss([](T x, T target) { return F::binary_cross_entropy_with_logits(x, target); })},
  };
  return table;
}

}  // namespace

Operation make_operation(const std::string& text) {
  const Line line(text);
  const auto found = makers().find(line.operation());
  if (found == makers().end()) line.refuse("a known operation");
  return found->second(line);
}

}  // namespace bench
