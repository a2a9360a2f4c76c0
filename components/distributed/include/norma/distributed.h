// Training by several processes, over MPI. Component norma::distributed.
#pragma once
#include "norma/distributed/checkpoint.h"
#include "norma/distributed/distributed_data_parallel.h"
#include "norma/distributed/distributed_sampler.h"
#include "norma/distributed/process_group.h"
#include "norma/distributed/reduce_metrics.h"
#include "norma/distributed/sync_batch_norm.h"
