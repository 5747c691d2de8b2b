// What every program includes, compiled once by build.sh.
#include "device.cuh"
#include "harness/reference.hpp"
#include "harness/run.hpp"
