#include "norma/autograd/conv_maps.h"

#include "norma/autograd/record.h"
#include "norma/core/kernels/conv/conv.h"
#include "norma/core/tensor_impl.h"

namespace norma::autograd {

Tensor sum_channels(const Tensor& g) {
  Shape others = {0};
  for (int64_t i = 2; i < g.dim(); ++i) others.push_back(i);
  return g.sum(others);
}

Tensor bilinear(const char* op, const kernels::Conv2dShape& shape, Third third, const Shape& sizes,
                const Tensor& first, const Tensor& second) {
  const Tensor a = first.contiguous(), b = second.contiguous();
  const Tensor out = new_tensor(sizes, a.dtype());
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T *pa = impl_of(a)->data_as<T>(), *pb = impl_of(b)->data_as<T>();
    T* const to = impl_of(out)->data_as<T>();
    if (third == Third::Output) kernels::conv2d_forward<T>(shape, pa, pb, nullptr, to);
    if (third == Third::Input)
      kernels::conv2d_backward<T>(shape, nullptr, pb, pa, to, nullptr, nullptr);
    if (third == Third::Weight)
      kernels::conv2d_backward<T>(shape, pa, nullptr, pb, nullptr, to, nullptr);
  });
  return record(op, out, {&a, &b}, [=, a = Saved(a), b = Saved(b)](const Tensor& g, InputGrads& d) {
    const Shape &of_a = a->sizes(), &of_b = b->sizes();
    if (third == Third::Output) {  // a = x, b = w
      if (d.needs(0)) d[0] = bilinear(op, shape, Third::Input, of_a, g, *b);
      if (d.needs(1)) d[1] = bilinear(op, shape, Third::Weight, of_b, *a, g);
    } else if (third == Third::Input) {  // a = dy, b = w
      if (d.needs(0)) d[0] = bilinear(op, shape, Third::Output, of_a, g, *b);
      if (d.needs(1)) d[1] = bilinear(op, shape, Third::Weight, of_b, g, *a);
    } else {  // a = x, b = dy
      if (d.needs(0)) d[0] = bilinear(op, shape, Third::Input, of_a, *b, g);
      if (d.needs(1)) d[1] = bilinear(op, shape, Third::Output, of_b, *a, g);
    }
  });
}

}  // namespace norma::autograd
