// What every experiment has around its training loop.
#include <cmath>

#include "norma/experiments/common/experiment.h"
#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/stderr_of.h"
#include "norma/tests/support/temp_folder.h"

using namespace norma;

namespace {

constexpr experiment::About kAbout = {.name = "07_pretended",
                                      .title = "One is below two",
                                      .claim = "One is below two.",
                                      .varied = "Nothing.",
                                      .limits = "Nowhere.",
                                      .source = "Arithmetic.",
                                      .question = "Take three."};

int run(std::vector<std::string> arguments,
        const std::function<void(experiment::Experiment&)>& measure) {
  arguments.insert(arguments.begin(), "07_pretended");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return experiment::run(int(argv.size()), argv.data(), kAbout, measure);
}

void one_and_two(experiment::Experiment& e) {
  for (const uint64_t seed : e.seeds()) {
    e.measure("one", 1);
    e.measure("two", 2 + 0.1234 * double(seed));
    e.point("line", 1, double(seed));
    e.point("line", 2, 5);
  }
  e.draw("A rising line", {.xlabel = "x", .ylabel = "y"});
  e.expect("one is below two", experiment::all_below(e.measured("one"), e.measured("two")));
}

}  // namespace

TEST_CASE("a claim that holds: 0, the picture, the section of the page") {
  const TempFolder folder;
  CHECK(run({"--out", folder.path(), "--seeds", "2"}, one_and_two) == 0);
  CHECK(folder.list() == "07_pretended.md 07_pretended.svg");
  CHECK(
      read_bytes(folder / "07_pretended.md") ==
      "## 7. One is below two\n\n> One is below two.\n\n"
      "![A rising line](images/experiments/07_pretended.svg)\n\n"
      "| measured with 2 seeds | mean | lowest | highest |\n|---|---|---|---|\n"
      "| one | 1 | 1 | 1 |\n| two | 2.19 | 2.12 | 2.25 |\n\n"
      "- Held: one is below two.\n\n"
      "- **Varied**, by [`experiments/07_pretended.cpp`](../experiments/07_pretended.cpp): "
      "Nothing.\n- **Too strong**: Nowhere.\n- **Source**: Arithmetic.\n- **Try**: Take three.\n");
}

TEST_CASE("a claim that does not hold: 1, and the page says so") {
  const TempFolder folder;
  CHECK(run({"--out", folder.path()}, [](experiment::Experiment& e) {
          CHECK(e.seeds() == std::vector<uint64_t>{1, 2, 3, 4, 5});
          e.digits(3, 2);
          e.expect("one is one", true);
          e.expect("two is one", false);
        }) == 1);
  const std::string page = read_bytes(folder / "07_pretended.md");
  CHECK(has(page, "- Held: one is one.\n- **Did not hold**: two is one.\n"));
  CHECK(has(page, ": Nothing. The data: digits that Norma draws.\n"));
}

TEST_CASE("an error: 2, and no page") {
  const TempFolder folder;
  const auto message = [&](const std::function<void(experiment::Experiment&)>& measure) {
    return stderr_of([&] { CHECK(run({"--out", folder.path()}, measure) == 2); });
  };
  CHECK(message([](experiment::Experiment&) {}) ==
        "07_pretended: an experiment that expects nothing\n");
  CHECK(message([](experiment::Experiment& e) { e.measured("three"); }) ==
        "07_pretended: nothing is measured under the name three\n");
  CHECK(message([](experiment::Experiment& e) {
          e.point("a", 1, 1);
          e.point("a", 1, 2);
          e.point("a", 0.5, 3);
          e.draw("", {});
        }) == "07_pretended: not every seed has a point of a at 0.5\n");
  CHECK(folder.list().empty());
  CHECK(run({"--seeds", "0"}, one_and_two) == 2);
  CHECK(run({"--data", folder / "none"}, one_and_two) == 2);
}

TEST_CASE("the data: drawn digits in 0..1, others than those of the test") {
  const TempFolder folder;
  run({"--out", folder.path()}, [](experiment::Experiment& e) {
    const experiment::Split split = e.pictures(20, 10);
    CHECK(split.train.inputs.sizes() == Shape{20, 1, 28, 28});
    CHECK(split.test.targets.sizes() == Shape{10});
    CHECK(split.train.inputs.max().item<double>() <= 1);
    CHECK_FALSE(split.train.narrow(0, 10).inputs.equal(split.test.inputs));
    e.expect("", true);
  });
}

TEST_CASE("accuracy: the share of rows that are largest at their target") {
  const Tensor outputs = tensor({0.f, 1.f, 3.f, 2.f, -1.f, -2.f, 5.f, 4.f}).reshape({4, 2});
  CHECK(experiment::accuracy(outputs, tensor({1, 0, 0, 1}).to(kInt64)) == 0.75);
}

TEST_CASE("all_below compares seed with seed") {
  using experiment::all_below;
  CHECK(all_below({1, 5}, {2, 6}));
  CHECK_FALSE(all_below({1, 6}, {2, 6}));
  CHECK_FALSE(all_below({1}, {2, 3}));
  CHECK(experiment::mean({1, 2, 6}) == 3);
}
