// What docs/threads.md promises, several threads at once each. Run as it is, with ThreadSanitizer
// in Norma and in it (the preset tsan), and with ThreadSanitizer in it alone.
#include <norma/norma.h>

#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace nn = norma::nn;
namespace data = norma::data;
using norma::Tensor;

namespace {

constexpr int kThreads = 4;
int failures = 0;  // of the main thread alone

void expect(bool right, const char* what) {
  if (right) return;
  std::printf("wrong: %s\n", what);
  ++failures;
}

/// Runs `body(0)`, …, `body(3)` at once; true where all return true.
bool at_once(const std::function<bool(int)>& body) {
  std::vector<char> right(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { right[static_cast<std::size_t>(i)] = body(i) ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  return std::count(right.begin(), right.end(), 1) == kThreads;
}

nn::Sequential small_cnn() {
  return nn::Sequential(nn::Conv2d(1, 4, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(4),
                        nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Dropout(0.5),
                        nn::Linear(64, 8), nn::LayerNorm(8), nn::GELU(), nn::Linear(8, 3));
}

void one_model_in_eval() {
  norma::manual_seed(1);
  nn::Sequential net = small_cnn();
  const Tensor x = norma::randn({32, 1, 8, 8});
  net(x);
  net.eval();
  const Tensor expected = net(x).detach();
  expect(at_once([&](int i) {
           for (int repeat = 0; repeat < 10; ++repeat) {
             if (i % 2 == 0) {
               const norma::NoGradGuard no_grad;
               if (!norma::equal(net(x), expected)) return false;
             } else if (!norma::equal(net(x).detach(), expected)) {
               return false;  // with a graph
             }
             if (net.parameters().size() != 9 || net.state_dict().size() != 12) return false;
           }
           return true;
         }),
         "one model in eval()");

  // The first use of a model may be that of several threads.
  nn::Sequential fresh = small_cnn();
  fresh.eval();
  const Tensor input = norma::randn({2, 1, 8, 8}).requires_grad_();
  expect(at_once([&](int) { return fresh(input).requires_grad(); }), "a first call by several");
  nn::Sequential moved = small_cnn();
  moved.to(norma::kFloat64);
  moved.eval();
  expect(at_once([&](int) {
           return moved(norma::ones({1, 1, 8, 8}, {.dtype = norma::kFloat64})).requires_grad();
         }),
         "a first call after to()");
}

Tensor trained(nn::Sequential net, uint64_t seed) {
  data::DataLoader loader(data::spirals(400, 0.02, seed), {.batch_size = 50, .shuffle = true});
  norma::optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  nn::CrossEntropyLoss criterion;
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (auto& [points, labels] : loader) {
      optimizer.zero_grad();
      criterion(net(points), labels).backward();
      optimizer.step();
    }
  }
  return net.at<nn::Linear>(3).weight.detach().clone();
}

void models_side_by_side() {
  std::vector<nn::Sequential> nets, copies;
  std::vector<Tensor> expected;
  for (int i = 0; i < kThreads; ++i) {
    nets.emplace_back(nn::Linear(2, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 2));
    copies.push_back(nets.back().clone());
    expected.push_back(trained(copies.back(), static_cast<uint64_t>(i)));
  }
  expect(at_once([&](int i) {
           const auto k = static_cast<std::size_t>(i);
           return norma::equal(trained(nets[k], static_cast<uint64_t>(i)), expected[k]);
         }),
         "models side by side");
}

void loaders_over_one_data_set() {
  const data::Dataset set = data::spirals(300);
  const auto flip = [](const Tensor& x, norma::Generator& generator) {
    return x * (generator.uniform() < 0.5 ? -1.0 : 1.0);
  };
  const auto sums = [&] {
    data::DataLoader loader(set, {.batch_size = 16, .shuffle = true, .transforms = {flip}});
    std::vector<float> found;
    for (auto& [x, y] : loader) {
      const float* values = x.data_ptr<float>();
      float sum = 0;
      for (int64_t i = 0; i < x.numel(); ++i) sum += values[i];
      found.push_back(sum);
    }
    return found;
  };
  const std::vector<float> expected = sums();
  expect(at_once([&](int) { return sums() == expected; }), "loaders over one data set");
}

void generators() {
  constexpr int kDraws = 2000;
  std::vector<std::vector<uint64_t>> draws(kThreads);
  at_once([&](int i) {
    for (int k = 0; k < kDraws; ++k) {
      draws[static_cast<std::size_t>(i)].push_back(norma::default_generator().next_u64());
    }
    norma::randn({1000});
    return true;
  });
  std::vector<uint64_t> all;
  for (const auto& some : draws) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  expect(std::adjacent_find(all.begin(), all.end()) == all.end(), "a draw handed out twice");

  norma::Generator alone(7);
  const Tensor expected = norma::randn({5000}, {}, alone);
  expect(at_once([&](int) {
           norma::Generator own(7);
           return norma::equal(norma::randn({5000}, {}, own), expected);
         }),
         "a generator of each thread");
  norma::manual_seed(3);
  const Tensor first = norma::rand({4});
  norma::manual_seed(3);
  expect(at_once([&](int) {
           const norma::RandomStateGuard guard;
           return norma::equal(norma::rand({4}), first);
         }),
         "a RandomStateGuard of each thread");
}

void modes_of_one_thread() {
  const Tensor w = norma::ones({3}).requires_grad_();
  struct Counter : norma::autograd::Observer {
    int results = 0;
    void result(const char*, const Tensor&, norma::autograd::Inputs) override { ++results; }
  };
  expect(at_once([&](int i) {
           for (int repeat = 0; repeat < 50; ++repeat) {
             if (i == 0) {
               const norma::NoGradGuard no_grad;
               if ((w * 2.0).requires_grad()) return false;
             } else if (i == 1) {
               Counter counter;
               const norma::autograd::ObserverGuard guard(counter);
               static_cast<void>(w * 2.0);
               if (counter.results != 1) return false;
             } else if (i == 2) {
               const norma::DetectAnomalyGuard guard;
               try {
                 static_cast<void>((w - 1.0).log());
                 return false;
               } catch (const norma::Error& error) {
                 if (error.op() != "log") return false;
               }
             } else if (!(w - 1.0).log().requires_grad()) {
               return false;
             }
           }
           return true;
         }),
         "the modes of one thread");
}

void settings_and_loops() {
  const Tensor a = norma::ones({200, 200});
  expect(at_once([&](int i) {
           for (int repeat = 0; repeat < 20; ++repeat) {
             if (i == 0) norma::set_num_threads(1 + repeat % 3);
             if (norma::matmul(a, a)[7][9].item<float>() != 200.0f) return false;
           }
           return true;
         }),
         "set_num_threads beside work");
  norma::set_num_threads(2);

  // A loop of the program's own on Norma's threads: what it writes is seen after it.
  std::vector<int64_t> squares(100000);
  for (int repeat = 0; repeat < 5; ++repeat) {
    norma::parallel_for(100000, 100, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) squares[static_cast<std::size_t>(k)] += k * k;
    });
    for (int64_t k = 0; k < 100000; k += 999) {
      if (squares[static_cast<std::size_t>(k)] != (repeat + 1) * k * k)
        return expect(false, "a loop");
    }
  }
}

void files(const std::string& folder) {
  norma::manual_seed(2);
  const nn::Sequential net = small_cnn();
  norma::save(net, folder + "/shared.safetensors");
  expect(at_once([&](int i) {
           const std::string own = folder + "/" + std::to_string(i) + ".safetensors";
           nn::Sequential other = small_cnn();
           norma::load(other, folder + "/shared.safetensors");
           norma::save(other, own);
           nn::Sequential again = small_cnn();
           norma::load(again, own);
           return norma::equal(again.parameters()[0], net.parameters()[0]);
         }),
         "files");
}

void tensors_that_change_hands() {
  Tensor given = norma::zeros({1000});
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::thread([&] {
      float* values = given.data_ptr<float>();
      for (int k = 0; k < 1000; ++k) values[k] += 1;
      given = given + 1.0;
    }).join();
  }
  expect(given[999].item<float>() == 40.0f, "a tensor that changes hands");
  const Tensor shared = norma::arange(1000).to(norma::kFloat32);
  expect(at_once([&](int) {
           Tensor sum = norma::zeros({500});
           for (int k = 0; k < 20; ++k)
             sum = sum + shared.slice(0, 0, 500) + shared.slice(0, 500, 1000);
           return sum[1].item<float>() == 20.0f * 502.0f;
         }),
         "a tensor that is read");
}

}  // namespace

int main() {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("norma_threads_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  norma::set_num_threads(2);
  one_model_in_eval();
  models_side_by_side();
  loaders_over_one_data_set();
  generators();
  modes_of_one_thread();
  settings_and_loops();
  files(folder);
  tensors_that_change_hands();
  std::filesystem::remove_all(folder);
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
