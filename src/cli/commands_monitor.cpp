// SPDX-License-Identifier: Apache-2.0
// monitor: what happens, as it happens.
#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "base/std.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/text.h"

namespace northstar::cli {
namespace {

std::uint64_t microsecondsNow() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

Json jsonOf(const Event& event, std::uint64_t time) {
    Json line{{"time", time}, {"event", event.name}};
    line.update(event.values);
    return line;
}

}  // namespace

Exit monitor(const Arguments& arguments) {
    const Palette palette{arguments.color};
    Client{arguments}.monitor([] { std::cerr << "northstarctl: waiting for events" << std::endl; },
                              [&](const Event& event) {
                                  const std::uint64_t time = microsecondsNow();
                                  if (arguments.json) {
                                      std::cout << dump(jsonOf(event, time)) << std::endl;
                                  } else {
                                      const bool bad = event.name == "CorruptionDetected";
                                      std::cout << palette.paint(bad ? Color::Red : Color::None,
                                                                 localTime(time) + ' ' + lineOf(event))
                                                << std::endl;
                                  }
                                  return !arguments.once;
                              });
    return Exit::Done;
}

}  // namespace northstar::cli
