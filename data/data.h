// Data sets, transforms, batches.
#pragma once
