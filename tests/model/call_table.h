// SPDX-License-Identifier: Apache-2.0
// The system calls that the service makes and that can fail, and with what: from their pages in section 2 of the
// manual.
//
// Not among them, as nothing that the service does can make them fail in a way that it could handle:
//   mmap, mprotect, munmap, brk, madvise   the allocator's; what fails there is std::bad_alloc, which is not a call's
//   futex, rt_sig*, rseq, sched_*, exit    of threads: they fail for wrong arguments only
//   close                                  the descriptor is gone whatever it says (close(2), NOTES)
//   getrandom                              not for 16 bytes, once the system has booted
//   prlimit64                              reading one's own limits cannot fail
//   execve, and what the loader opens      before main(): that has nobody to tell
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace northstar::test {

// Which argument says what the call is about.
enum class Subject {
    None,
    Path,    // argument 0
    PathAt,  // argument 1, relative to 0; if it is empty, the descriptor
    Descriptor,
    IoctlRequest,
    FcntlCommand,
    FsconfigKey,
};

struct FailingCall {
    long number;  // __NR_...: of this architecture
    const char* name;
    Subject subject;
    std::vector<int> errors;
    // Also when calls fail at random. Not: what only tidies up (nobody can do it then), and what the bus is made of.
    bool atRandom = true;
};

[[nodiscard]] const std::vector<FailingCall>& failingCalls();
[[nodiscard]] const FailingCall* findCall(long number);
// Where it depends on what the call is about, by "NAME:WHAT"; else those of the call.
[[nodiscard]] const std::map<std::string, std::vector<int>>& specialErrors();
[[nodiscard]] const std::vector<int>& errorsOf(const FailingCall& call, const std::string& site);
// "LOOP_CONFIGURE", or the number.
[[nodiscard]] std::string ioctlName(std::uint64_t request);
[[nodiscard]] std::string fcntlName(std::uint64_t command);

}  // namespace northstar::test
