// A build with NORMA_IO=OFF: how a model gets its weights there.
#include <norma/norma.h>

#include "norma/tests/support/catch.h"
#include "norma/tests/support/error_of.h"
#include "norma/tests/support/tensors.h"

#ifndef NORMA_WITHOUT_IO
#error "a build without files is to say so to all that is compiled with it"
#endif

namespace nn = norma::nn;
using norma::Tensor;

TEST_CASE("weights from arrays of a program") {
  static const float weight[2][3] = {{1, 2, 3}, {4, 5, 6}};
  static const float bias[2] = {10, 20};
  nn::Sequential net(nn::Linear(3, 2), nn::ReLU());
  net.load_state_dict({{"0.weight", norma::from_blob(&weight[0][0], {2, 3})},
                       {"0.bias", norma::from_blob(bias, {2})}});
  CHECK(to_vector(net(norma::ones({1, 3}))) == std::vector<double>({16, 35}));
  net.load_state_dict({{"0.weight", norma::zeros({2, 3})}}, false);
  CHECK(weight[0][0] == 1);  // copied, not shared
}

TEST_CASE("weights that do not fit are refused without files, too") {
  nn::Linear fc(3, 2);
  CHECK(has(error_of([&] { fc.load_state_dict({{"weight", norma::zeros({2, 2})}}); }), "weight"));
}
