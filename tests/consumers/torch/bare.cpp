#include <norma/norma.h>
#if __has_include(<torch/nn/layer.h>)
#error "the headers of norma::torch are found by a target that does not link it"
#endif
