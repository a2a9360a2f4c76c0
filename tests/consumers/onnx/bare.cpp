#include <norma/norma.h>
#if __has_include(<norma/onnx.h>)
#error "the header of norma::onnx is found by a target that does not link it"
#endif
