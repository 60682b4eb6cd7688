#pragma once
// libxcrypt: crypt_rn(3), which Glibc's Swift module does not carry. No logic.
#include <crypt.h>
