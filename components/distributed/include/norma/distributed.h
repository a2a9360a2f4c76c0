// Training by several processes, over MPI. Component norma::distributed.
#pragma once
#include "norma/distributed/process_group.h"
