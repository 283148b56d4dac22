// SPDX-License-Identifier: Apache-2.0
// What nearly every file uses of the standard library; where there are modules, this is `import std`.
#pragma once

// IWYU pragma: begin_exports
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
// IWYU pragma: end_exports
