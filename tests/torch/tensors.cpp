// Tensors: options, functions, slices, and what libtorch calls them.
#include <torch/torch.h>

using namespace torch::indexing;

namespace {

void check_options() {
  auto options = torch::TensorOptions().dtype(torch::kFloat64).device(torch::kCPU);
  auto x = torch::zeros({2, 3}, options.requires_grad(true));
  TORCH_CHECK(x.dtype() == torch::kDouble && x.requires_grad(), "options of ", x);
  TORCH_CHECK(torch::ones_like(x, torch::kLong).dtype() == torch::kInt64);
  TORCH_CHECK(torch::empty({4}, x.options()).dtype() == torch::kF64);
  TORCH_CHECK(torch::full({2}, 3).dtype() == torch::kLong);
  TORCH_CHECK(torch::arange(5).dtype() == torch::kLong);
  TORCH_CHECK(torch::arange(0, 1, 0.25).size(0) == 4);
  TORCH_CHECK(torch::tensor(std::vector<double>{1, 2}).dtype() == torch::kFloat);
  TORCH_CHECK(torch::tensor({{1, 2}, {3, 4}}, torch::kFloat).sum().item<float>() == 10);
  TORCH_CHECK(x.to(torch::kFloat).scalar_type() == at::kFloat);
  TORCH_CHECK(x.to(x.device(), torch::kFloat).options().dtype() == torch::kFloat32);
  TORCH_CHECK(!x.is_cuda() && x.cpu().device().is_cpu());

  bool refused = false;
  try {
    torch::Device device(torch::kCUDA);
  } catch (const c10::Error& error) {
    refused = std::string(error.what()).find("is_available() is false") != std::string::npos;
  }
  TORCH_CHECK(refused, "a device that is not there");
}

void check_values() {
  auto x = torch::arange(12, torch::kFloat).view({3, 4});
  TORCH_CHECK(torch::sum(x, {0, 1}).item().toDouble() == 66);
  TORCH_CHECK(torch::mean(x, 1).size(0) == 3);
  auto [values, indices] = torch::max(x, 1);
  TORCH_CHECK(indices[2].item<int64_t>() == 3 && values[0].item<float>() == 3);
  TORCH_CHECK(torch::max(x, torch::full_like(x, 5)).min().item<float>() == 5);
  std::tuple<torch::Tensor, torch::Tensor> least = torch::min(x, 0);
  TORCH_CHECK(std::get<0>(least).numel() == 4);
  auto a = x.accessor<float, 2>();
  TORCH_CHECK(a[1][2] == 6 && a.size(1) == 4);

  std::vector<float> memory = {1, 2, 3, 4};
  auto shared = torch::from_blob(memory.data(), {2, 2});
  shared.mul_(2);
  TORCH_CHECK(memory[3] == 8 && shared.data_ptr<float>() == memory.data());
  int counts[] = {1, 2, 3};
  auto ints = torch::from_blob(counts, {3}, torch::kInt);
  TORCH_CHECK(ints.sum().item<int>() == 6 && ints.sum().dtype() == torch::kLong);
  ints += 1;
  TORCH_CHECK(counts[0] == 2 && ints.data_ptr<int>() == counts && ints.dtype() == torch::kInt32);
  auto last = ints.accessor<int, 1>();
  TORCH_CHECK(ints[1].item().toInt() == 3 && last[2] == 4);
  TORCH_CHECK(torch::zeros({2}, torch::kInt).to(torch::kLong).dtype() == torch::kInt64);
  TORCH_CHECK(torch::tensor(std::vector<int>(2)).dtype() == torch::kLong);
  TORCH_CHECK(torch::randint(0, 9, {4}, torch::kInt32).dtype() == torch::kInt);
  TORCH_CHECK(x.sizes().vec() == std::vector<int64_t>({3, 4}) && x.stride(0) == 4);
}

void check_slices() {
  auto x = torch::zeros({3, 4});
  x.index_put_({Slice(), 1}, 2);
  x.index({0, Slice(2, None)}) = torch::ones({2});
  x[2] = torch::full({4}, 7.0);
  TORCH_CHECK(x.sum().item<float>() == 2 + 2 + 2 + 28);
  TORCH_CHECK(x.index({"...", Slice(None, None, 2)}).sizes() == torch::IntArrayRef({3, 2}));
  TORCH_CHECK(x.index({x > 5}).numel() == 4);
  TORCH_CHECK(x.slice(1, 1).size(1) == 3);
  TORCH_CHECK(torch::einsum("ij,kj->ik", {x, x}).size(0) == 3);
}

}  // namespace

int main() {
  torch::manual_seed(3);
  check_options();
  check_values();
  check_slices();
}
