# For a static norma::tensorboard, which is linked together with the libraries it uses.
norma_find_dependency(Protobuf libprotobuf-dev)
norma_find_dependency(PNG libpng-dev)
