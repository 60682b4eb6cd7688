#pragma once
// zlib: inflate. No logic.
#include <zlib.h>
