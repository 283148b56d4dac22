// SPDX-License-Identifier: Apache-2.0
// Who decides whether a caller may do something: the seam that polkit implements. Bus thread only; never blocks.
#pragma once

#include "base/std.h"

namespace northstar {

// What rules and people see of a question, by name.
using Details = std::map<std::string, std::string>;

enum class Verdict { Granted, Denied, NeedsInteraction, Failed };

struct Answer {
    Verdict verdict = Verdict::Failed;
    std::string detail{};  // why the check failed, for Failed
};

class Authority {
public:
    virtual ~Authority() = default;

    struct Question {
        std::string subject;  // unique bus name
        std::string action;
        Details details;
        bool interactive = false;  // may it open a dialog?
    };
    // Asks. `done` runs once, later, unless the question is cancelled. Returns what cancel() takes.
    virtual std::string ask(const Question& question, std::function<void(Answer)> done) = 0;
    // Forgets the question and closes its dialog. Nothing happens if it was answered.
    virtual void cancel(const std::string& id) noexcept = 0;
};

}  // namespace northstar
