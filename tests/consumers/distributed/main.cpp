// One process, without mpirun: a group of itself.
#include <norma/distributed.h>

#include <cstdio>

int main() {
  norma::distributed::init_process_group();
  const norma::Tensor x = norma::ones({3});
  norma::distributed::all_reduce(x);
  if (norma::distributed::get_world_size() == 1 && x.sum().item<float>() == 3) return 0;
  std::printf("expected the sum 3 of one rank, got %g\n", x.sum().item<double>());
  return 1;
}
