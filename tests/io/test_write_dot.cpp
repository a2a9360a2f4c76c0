// Pictures of graphs as files, as Graphviz's own `dot` reads them.
#include <norma/norma.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/temp_folder.h"

namespace ag = norma::autograd;
namespace nn = norma::nn;
using norma::Tensor;

namespace {

/// The picture that `dot` makes of a file; a test that needs it is skipped where there is none.
std::string svg_of(const std::string& path) {
  const std::string out = path + ".svg", complaints = path + ".txt";
  const int status =
      std::system(("dot -Tsvg -o " + out + " " + path + " 2> " + complaints).c_str());
  CHECK(status == 0);
  CHECK(read_bytes(complaints) == "");
  return read_bytes(out);
}

/// What is written in a picture, whatever version of Graphviz has drawn it.
std::vector<std::string> texts_of(const std::string& svg) {
  std::vector<std::string> found;
  for (std::size_t end = 0; (end = svg.find("</text>", end)) != std::string::npos; ++end) {
    const std::size_t start = svg.rfind('>', end) + 1;
    found.push_back(svg.substr(start, end - start));
  }
  std::sort(found.begin(), found.end());
  return found;
}

void need_graphviz() {
  if (std::system("dot -V > /dev/null 2>&1") == 0) return;
  std::puts("skipped: no dot; on Debian: apt-get install graphviz");
  std::exit(77);
}

struct Block : nn::Module {
  nn::Conv2d conv{4, 4, 3, {.padding = 1, .bias = false}};
  nn::BatchNorm2d norm{4};
  Block() { register_module("conv", conv), register_module("norm", norm); }
  Tensor forward(const Tensor& x) override { return (norm(conv(x)) + x).relu(); }
};

struct Odd : nn::Module {
  std::vector<Tensor> all;
  nn::Linear fc{2, 2};
  Odd() {
    for (const char* name :
         {"a\"b", "back\\", "line\nbreak", "<b>&lt;", "\xff\x01", "größe", "\\N"})
      all.push_back(register_parameter(name, norma::ones({2})));
    register_module("-> }; \" [", fc);
  }
  Tensor forward(const Tensor& x) override { return fc(x) + norma::stack(all, 0).sum(0); }
};

}  // namespace

TEST_CASE("every form writes what make_dot gives") {
  const TempFolder folder;
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  const Tensor x = norma::ones({4, 2}), loss = net(x).sum();
  const std::string path = folder / "a.dot";
  ag::write_dot(path, loss);
  CHECK(read_bytes(path) == ag::make_dot(loss));
  ag::write_dot(path, loss, net, {.saved = false});
  CHECK(read_bytes(path) == ag::make_dot(loss, net));
  const auto compute = [&] { return net(x).sum(); };
  ag::write_dot(path, compute, net);
  CHECK(read_bytes(path) == ag::make_dot(compute, net));
  nn::write_dot(path, net, x);
  CHECK(read_bytes(path) == nn::make_dot(net, x));
  nn::write_dot(path, net, std::vector<Tensor>{x});
  CHECK(read_bytes(path) == nn::make_dot(net, x));

  // What cannot be drawn leaves the old file.
  CHECK(error_of([&] { ag::write_dot(path, x); }) != "no error");
  CHECK(read_bytes(path) == nn::make_dot(net, x));
  const std::string message = error_of([&] { ag::write_dot(folder / "none/a.dot", loss); });
  CHECK(message.starts_with("[write_dot] " + folder / "none/a.dot"));
  CHECK(has(message, "No such file"));
}

TEST_CASE("Graphviz draws them") {
  need_graphviz();
  const TempFolder folder;
  nn::Sequential net(nn::Conv2d(1, 4, 3), nn::BatchNorm2d(4), nn::ReLU(), nn::Flatten(),
                     nn::Linear(144, 3));
  nn::write_dot(folder / "model.dot", net, norma::zeros({1, 1, 8, 8}));
  const std::string model = svg_of(folder / "model.dot");
  for (const char* text : {">1: BatchNorm2d<", ">4.weight<", ">[3, 144] float32<", ">output<"})
    CHECK(has(model, text));

  Odd odd;
  ag::write_dot(
      folder / "odd.dot",
      [&] {
        return odd(norma::ones({1, 2})).sum();
      },
      odd);
  const std::string drawn = svg_of(folder / "odd.dot");
  for (const char* text : {">a&quot;b<", ">back\\<", ">line\\nbreak<", ">&lt;b&gt;&amp;lt;<",
                           ">\\xff\\x01<", ">größe<", ">\\N<", "}; &quot; [: Linear<"}) {
    INFO(text);
    CHECK(has(drawn, text));
  }

  nn::LSTM lstm(3, 4, {.num_layers = 2});
  nn::write_dot(folder / "lstm.dot", lstm, norma::zeros({5, 2, 3}));
  CHECK(has(svg_of(folder / "lstm.dot"), ">weight_hh_l1<"));
}

// NORMA_WRITE_PICTURES=1 draws it anew.
TEST_CASE("the picture in docs/looking-inside.md is of the network beside it") {
  need_graphviz();
  const TempFolder folder;
  nn::Sequential net(nn::Conv2d(1, 4, 3, {.stride = 2}), nn::ReLU(), Block(), nn::Flatten(),
                     nn::Linear(676, 10));
  const Tensor images = norma::zeros({8, 1, 28, 28}),
               labels = norma::zeros({8}, {.dtype = norma::kInt64});
  nn::CrossEntropyLoss criterion;
  ag::write_dot(
      folder / "loss.dot", [&] { return criterion(net(images), labels); }, net);
  const std::string path = NORMA_DOCS "images/graph.svg", drawn = svg_of(folder / "loss.dot");
  if (std::getenv("NORMA_WRITE_PICTURES")) write_bytes(path, drawn);
  CHECK(texts_of(drawn).size() > 30);
  CHECK(texts_of(read_bytes(path)) == texts_of(drawn));
}
