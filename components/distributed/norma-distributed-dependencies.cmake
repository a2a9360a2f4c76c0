# For a static norma::distributed, which is linked together with the library it uses.
set(MPI_CXX_SKIP_MPICXX TRUE)
norma_find_dependency(MPI libopenmpi-dev)
