// SPDX-License-Identifier: Apache-2.0
// MountFile and MountFd: packages that are in no repository.
#include <algorithm>

#include "bus/calls.h"
#include "bus/release.h"
#include "package/descriptor.h"

namespace northstar::bus {

void refuseStallingFile(Kernel& kernel, int fd) {
    const FileOrigin origin = kernel.originOf(fd);
    if (!origin.mayStall()) return;
    throw Error{Code::InvalidArgs, "Cannot use the descriptor: its file is on " +
                                       (origin.filesystem.empty() ? "a filesystem that is not mounted here"
                                                                  : "a " + origin.filesystem + " filesystem") +
                                       ", which may stall; pass a memfd with a copy instead"};
}

// Before the content is touched, so its container is not known: only where it comes from and, if asked for,
// goes to.
Details Calls::fileDetails(const std::string& source, const MountCallOptions& options) const {
    const bool anybody = options.allowUnverified;
    Details details{{"source", source},
                    {"verified", anybody ? "false" : "true"},
                    {"polkit.message",
                     askToMount(anybody ? "$(source), whoever signed it" : "the package $(source)", options.verity)}};
    addMountDetails(details, options.target.empty() ? core_.config.runDir : options.target, options);
    return details;
}

// The caller's own line, before the container is known.
Async<Order::Turn> Calls::enterUnread(CallPtr call, MountCallOptions options) {
    Order::Keys keys;
    if (!options.target.empty()) keys.insert(options.target);
    co_return co_await core_.order.enter(lineOf(call), keys, Order::Kind::Unread);
}

// A manifest that no key signed is parsed for nobody who may not mount it.
Async<Done> Calls::authorizeUnverified(CallPtr call, std::string source, MountCallOptions options) {
    if (options.allowUnverified) {
        co_await core_.authorizer.require(call, action::kMountUnverified, fileDetails(source, options));
    }
    co_return Done{};
}

Async<MountReply> Calls::mountOpened(CallPtr call, UniqueFd fd, std::string source, MountCallOptions options) {
    const auto policy = options.allowUnverified ? SignaturePolicy::Optional : SignaturePolicy::Required;
    auto descriptor = std::make_shared<UniqueFd>(std::move(fd));
    // On a worker from the first question on: the file may be on a slow or hostile filesystem.
    Work open{core_.workers, core_.loop, "",
              [this, descriptor, keys = core_.fileKeys, policy, source, trusted = call->caller.euid == 0] {
                  if (!trusted) refuseStallingFile(core_.kernel, descriptor->get());
                  return std::make_shared<const Package>(openPackage(std::move(*descriptor), keys, policy, source));
              }};
    const std::shared_ptr<const Package> package = co_await open;
    const std::string container = package->manifest.container();
    if (package->verified() && options.verity != VerityMode::Eio && !options.allowUnverified) {
        // Who can damage the file could bring the machine down.
        Details details = containerDetails(container, "", true);
        details["source"] = source;
        addMountDetails(details, targetOf(container, options), options);
        details["polkit.message"] = askToMount("$(container) from $(source)", options.verity);
        co_await core_.authorizer.require(call, action::kMountUnverified, details);
    }
    co_await authorizeMount(call, container, "", package->verified(), options);
    const Order::Keys keys{container, targetOf(container, options)};
    const Order::Turn turn = co_await core_.order.enter("", keys);
    co_await recountHeld(core_, call->caller.euid);
    if (package->verified() && std::ranges::count(core_.fileKeys.fingerprints(), package->signer) == 0) {
        throw Error{Code::InvalidSignature, "Cannot mount " + source + ": its key " + package->signer +
                                                " was removed by a Reload at this moment"};
    }
    Prepared prepared{package, nullptr, "", source, core_.config.fileVerification};
    co_return co_await mountPrepared(call, std::move(prepared), std::move(options));
}

Async<MountReply> Calls::mountFile(CallPtr call, std::string path, Options options) {
    MountCallOptions decoded = decodeMountOptions(options, MountKind::File);
    if (core_.config.fileVerification == Verification::Sealed)
        decoded.verity = VerityMode::Eio;  // nothing else happens
    const std::string normal = normalPath(path, "The package");
    const CallPtr asked = withOptions(call, options);
    const Order::Turn turn = co_await enterUnread(call, decoded);
    // Before the path is touched: whether a file exists, and what is in it, is not for everyone to know.
    Details details = fileDetails(normal, decoded);
    details["path"] = normal;
    co_await core_.authorizer.require(asked, action::kMountPath, details);
    co_await authorizeUnverified(asked, normal, decoded);
    Work open{core_.workers, core_.loop, "", [normal] { return openPackageFile(normal); }};
    UniqueFd file = co_await open;
    co_return co_await mountOpened(asked, std::move(file), normal, std::move(decoded));
}

Async<MountReply> Calls::mountFd(CallPtr call, UniqueFd npk, Options options) {
    MountCallOptions decoded = decodeMountOptions(options, MountKind::File);
    if (core_.config.fileVerification == Verification::Sealed)
        decoded.verity = VerityMode::Eio;  // nothing else happens
    const CallPtr asked = withOptions(call, options);
    const Order::Turn turn = co_await enterUnread(call, decoded);
    Work look{core_.workers, core_.loop, "", [this, fd = npk.get()] { return core_.kernel.originOf(fd).path; }};
    std::string source = co_await look;
    if (source.empty()) source = "descriptor";
    co_await authorizeUnverified(asked, source, decoded);
    co_return co_await mountOpened(asked, std::move(npk), std::move(source), std::move(decoded));
}

}  // namespace northstar::bus
