#pragma once
// libyaml: the event parser. No logic.
#include <yaml.h>
