# A static norma::tensorboard is linked together with the libraries it uses.
find_dependency(Protobuf)
find_dependency(PNG)
