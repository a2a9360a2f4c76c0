#include "norma/playground/playground.h"

#include <cmath>
#include <iterator>
#include <utility>

#include "norma/playground/observation.h"
#include "norma/playground/points.h"

namespace playground {

namespace nn = norma::nn;
using norma::NoGradGuard, norma::Tensor;
using norma::data::Batch, norma::data::DataLoader;

Playground::Playground() { configure(""); }

void Playground::configure(const std::string& text) {
  const Settings next = Settings::parse(text);
  const bool first = !loader_, same_data = !first && next.same_data(settings_);
  if (!same_data || next.points != settings_.points) {
    auto train_set = make_points(next, false);
    test_set_ = next.data == "points" ? train_set : make_points(next, true);
    train_set_ = std::move(train_set);
    loader_.reset();
  }
  const bool same_network = same_data && next.same_network(settings_);
  const bool same_batches = next.batch == settings_.batch && next.shuffle == settings_.shuffle;
  settings_ = next;
  if (!same_network) return restart();
  if (!loader_ || !same_batches) load_batches();
  optimizer_->set_lr(settings_.rate);
  optimizer_->set_momentum(0, settings_.momentum);
  if (steps_ == 0) look_ahead();
}

void Playground::restart() {
  network_ = Network::make(settings_);
  optimizer_ = std::make_unique<norma::optim::SGD>(
      network_.net.parameters(),
      norma::optim::SGDOptions{.lr = settings_.rate, .momentum = settings_.momentum});
  steps_ = 0;
  load_batches();
  look_ahead();
}

void Playground::load_batches() {
  batches_.reset();
  loader_.emplace(train_set_,
                  norma::data::DataLoaderOptions{.batch_size = settings_.batch,
                                                 .shuffle = settings_.shuffle == "yes",
                                                 .seed = static_cast<uint64_t>(settings_.seed),
                                                 .prefetch = false});
}

Batch Playground::next_batch() {
  if (!batches_ || *batches_ == std::default_sentinel) batches_ = loader_->begin();
  Batch batch = **batches_;
  ++*batches_;
  return batch;
}

double Playground::step() {
  network_.net.train(settings_.training == "train");
  const Batch batch = next_batch();
  if (settings_.clear == "yes") optimizer_->zero_grad();
  HiddenValues hidden;
  const Tensor loss =
      norma::functional::cross_entropy(network_.forward(batch.inputs, hidden), batch.targets);
  loss.backward();
  optimizer_->step();
  last_ = std::move(hidden);
  ++steps_;
  return loss.item<double>();
}

// The first batch, through a copy: nothing is learnt or remembered.
void Playground::look_ahead() {
  last_ = {};
  asked_.clear();
  const norma::RandomStateGuard random;
  const Network copy{network_.net.clone(), network_.layers};
  const Batch batch = *DataLoader(train_set_, loader_->options()).begin();
  try {
    HiddenValues hidden;
    norma::functional::cross_entropy(copy.forward(batch.inputs, hidden), batch.targets).backward();
    last_ = std::move(hidden);
  } catch (const norma::Error&) {  // which the first step will tell
  }
}

// `chunk` points at a time. `seen`: per hidden layer, what its norm got.
Tensor Playground::scores(const Tensor& inputs, int64_t chunk, std::vector<Tensor>* seen) {
  const NoGradGuard no_grad;
  network_.net.train(settings_.evaluation == "train");
  const int64_t n = inputs.size(0);
  // Over the wrong axis only batches of one size can be asked, the last one with the first points.
  const bool whole =
      settings_.axis == "wrong" && settings_.norm == "batch" && !network_.layers.empty();
  if (whole) chunk = settings_.widths[0];
  std::vector<Tensor> parts;
  std::vector<std::vector<Tensor>> normalised(network_.layers.size());
  for (int64_t i = 0; i < n; i += chunk) {
    Tensor part = inputs.narrow(0, i, std::min(chunk, n - i));
    if (whole && part.size(0) < chunk) {
      part = norma::cat({part, inputs.narrow(0, 0, chunk - part.size(0))});
    }
    HiddenValues hidden;
    parts.push_back(network_.forward(part, hidden));
    for (std::size_t k = 0; k < normalised.size(); ++k)
      normalised[k].push_back(hidden.normalised[k]);
  }
  if (seen) {
    seen->clear();
    for (const auto& layer : normalised) seen->push_back(norma::cat(layer));
  }
  return norma::cat(parts).narrow(0, 0, n);
}

Playground::Score Playground::evaluate() {
  const Tensor answers = scores(test_set_.inputs, kChunk, &asked_);
  const NoGradGuard no_grad;
  return {norma::functional::cross_entropy(answers, test_set_.targets).item<double>(),
          answers.argmax(1).eq(test_set_.targets).to(norma::kFloat64).mean().item<double>()};
}

const std::vector<float>& Playground::picture(int64_t cells) {
  if (cells < 1 || cells > 256) {
    norma::fail("playground", "expected 1 to 256 cells in a row, got ", cells);
  }
  Tensor inputs = norma::empty({cells * cells, 2});
  auto* place = inputs.data_ptr<float>();
  const auto middle = [&](int64_t i) {
    return static_cast<float>(
        kView * (2 * (static_cast<double>(i) + 0.5) / static_cast<double>(cells) - 1));
  };
  for (int64_t row = 0; row < cells; ++row) {
    for (int64_t column = 0; column < cells; ++column) {
      *place++ = middle(column);
      *place++ = -middle(row);
    }
  }
  const Tensor answers = scores(inputs, cells, nullptr).contiguous();
  const auto* score = answers.data_ptr<float>();
  picture_.resize(static_cast<std::size_t>(cells * cells));
  for (float& probability : picture_) {
    probability = 1 / (1 + std::exp(score[0] - score[1]));
    score += 2;
  }
  return picture_;
}

std::string Playground::observe() const {
  std::vector<LayerObservation> layers;
  for (std::size_t i = 0; i < last_.activations.size(); ++i) {
    layers.push_back({.activation = last_.activations[i],
                      .batch = last_.normalised[i],
                      .asked = asked_.empty() ? Tensor() : asked_[i],
                      .norm = network_.batch_norm(i)});
  }
  return to_json(layers);
}

std::string Playground::network() const {
  int64_t count = 0;
  for (const Tensor& parameter : network_.net.parameters()) count += parameter.numel();
  return norma::text(network_.net, "\n", count, " parameters");
}

}  // namespace playground
