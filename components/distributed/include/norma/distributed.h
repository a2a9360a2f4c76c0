// Training by several processes, over MPI. Component norma::distributed.
#pragma once
#include "norma/distributed/distributed_data_parallel.h"
#include "norma/distributed/process_group.h"
