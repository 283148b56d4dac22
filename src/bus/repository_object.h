// SPDX-License-Identifier: Apache-2.0
// /org/northstar/Mounter/repositories/NAME: one repository. Bus thread only.
#pragma once

#include "base/std.h"
#include "bus/dispatcher.h"
#include "engine/engine.h"
#include "engine/observer.h"
#include "repository/catalog.h"

namespace northstar::bus {

class RepositoryObject {
public:
    // Exported, and said to be there, until destroyed, which says that it is gone. A call of it may outlive it.
    RepositoryObject(sdbus::IConnection& bus, Dispatcher& dispatcher, Engine& engine, const Catalog& catalog,
                     std::string name);
    ~RepositoryObject();

    void contentChanged();
    void allChanged();
    void installProgress(const InstallProgress& progress);

private:
    void publish(Dispatcher& dispatcher, Engine& engine);

    const Catalog& catalog_;
    std::string name_;
    std::unique_ptr<sdbus::IObject> object_;
};

}  // namespace northstar::bus
