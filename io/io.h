// Saving and loading.
#pragma once
