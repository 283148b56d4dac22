// SPDX-License-Identifier: Apache-2.0
// The end of an object on the bus.
#pragma once

#include "base/log.h"
#include "base/std.h"
#include "sdbus/compat.h"

namespace northstar::bus {

// The bus may be gone already when the service ends; then nobody needs to be told.
inline void removeObject(std::unique_ptr<sdbus::IObject>& object) noexcept {
    try {
        object->emitInterfacesRemovedSignal();  // while it can still be asked which interfaces it has
    } catch (const sdbus::Error& error) {
        log::debug("Cannot say that an object is gone: {}", error.getMessage());
    }
    object.reset();
}

}  // namespace northstar::bus
