#include <norma/norma.h>
#if __has_include(<torch/torch.h>) && !__has_include(<torch/script.h>)
#error "the headers of norma::torch are found by a target that does not link it"
#endif
