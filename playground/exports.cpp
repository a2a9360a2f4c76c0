// What the page calls. Nothing throws through here: a function that can fail returns what Norma
// said, or an empty text. Texts and numbers stay valid until the next call.
#include <exception>
#include <optional>
#include <string>

#include "norma/playground/playground.h"

namespace {

std::optional<playground::Playground> model;
std::string said, answer;
double loss = 0;
playground::Playground::Score score{};

template <class F>
const char* attempt(F&& body) {
  said.clear();
  try {
    if (!model) model.emplace();
    body();
  } catch (const std::exception& error) {
    said = error.what();
  }
  return said.c_str();
}

}  // namespace

extern "C" {
const char* playground_configure(const char* settings);
const char* playground_restart();
const char* playground_step();
double playground_loss();
double playground_steps();
const char* playground_evaluate();
double playground_test_loss();
double playground_accuracy();
const char* playground_picture(int cells);
const float* playground_pixels();
const char* playground_observe();
const char* playground_network();
const char* playground_answer();
int playground_point_count();
const float* playground_point_places();
int playground_point_label(int i);
}

const char* playground_configure(const char* settings) {
  return attempt([&] { model->configure(settings); });
}
const char* playground_restart() {
  return attempt([] { model->restart(); });
}

const char* playground_step() {
  return attempt([] { loss = model->step(); });
}
double playground_loss() { return loss; }
double playground_steps() { return static_cast<double>(model->steps()); }

const char* playground_evaluate() {
  return attempt([] { score = model->evaluate(); });
}
double playground_test_loss() { return score.loss; }
double playground_accuracy() { return score.accuracy; }

static const float* pixels = nullptr;
const char* playground_picture(int cells) {
  return attempt([&] { pixels = model->picture(cells).data(); });
}
const float* playground_pixels() { return pixels; }

const char* playground_observe() {
  return attempt([] { answer = model->observe(); });
}
const char* playground_network() {
  return attempt([] { answer = model->network(); });
}
const char* playground_answer() { return answer.c_str(); }

int playground_point_count() { return static_cast<int>(model->points().size()); }
const float* playground_point_places() { return model->points().inputs.data_ptr<float>(); }
int playground_point_label(int i) {
  return static_cast<int>(model->points().targets.data_ptr<int64_t>()[i]);
}
