#include "checkpoint.h"

#include <csignal>
#include <iostream>

namespace example {

namespace {

volatile std::sig_atomic_t interrupted = 0;  // all that a signal handler may safely write to

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);  // for one time
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

// A run goes on as it began only with these.
std::string important(const Options& options) {
  return norma::text("--epochs ", options.epochs, " --batch-size ", options.batch_size, " --lr ",
                     norma::shortest(options.lr), " --seed ", options.seed, " --threads ",
                     norma::get_num_threads());
}

}  // namespace

Checkpoint::Checkpoint(const Options& options, norma::data::DataLoader& loader, Progress& progress,
                       const norma::CheckpointTargets& parts)
    : options_(options), loader_(loader), progress_(progress), parts_(parts) {
  if (!options.resume.empty()) load();
  catch_signals();
}

bool Checkpoint::step() {
  ++steps_;
  const bool due = options_.checkpoint_every > 0 && steps_ % options_.checkpoint_every == 0;
  const bool ends = interrupted != 0;
  if (due || ends) save();
  if (!ends) return false;
  progress_.clear_line();
  std::cout << "interrupted in " << progress_.place() << ", saved " << options_.checkpoint
            << "; --resume goes on from there" << std::endl;
  return true;
}

void Checkpoint::save() const {
  norma::save_checkpoint(options_.checkpoint, {.module = parts_.module,
                                               .optimizer = parts_.optimizer,
                                               .scheduler = parts_.scheduler,
                                               .generator = parts_.generator,
                                               .loader = loader_.position(),
                                               .metadata = {{"options", important(options_)},
                                                            {"progress", progress_.state()}}});
}

void Checkpoint::load() {
  const norma::CheckpointInfo info = norma::load_checkpoint(options_.resume, parts_);
  const auto note = [&](const std::string& key) {
    const auto found = info.metadata.find(key);
    return found == info.metadata.end() ? "" : found->second;
  };
  if (note("options") != important(options_))
    norma::fail("--resume", "expected the options that ", options_.resume, " was made with, ",
                norma::in_quotes(note("options")), ", got ", norma::in_quotes(important(options_)));
  loader_.set_position(info.loader);
  progress_.restore(note("progress"));
  std::cout << "going on in " << progress_.place() << std::endl;
}

}  // namespace example
