// SPDX-License-Identifier: Apache-2.0
// Which system calls to begin with where newer kernels have better ones. What the kernel lacks is noticed either way.
#pragma once

namespace northstar {

enum class Calls { Newest, Old };

}  // namespace northstar
