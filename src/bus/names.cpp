// SPDX-License-Identifier: Apache-2.0
#include "bus/names.h"

#include <fmt/format.h>

#include <new>
#include <system_error>

#include "base/log.h"
#include "base/utf8.h"

namespace northstar::bus {

std::string errorName(Code code) {
    const std::string own = "org.northstar.Mounter.Error.";
    const std::string standard = "org.freedesktop.DBus.Error.";
    switch (code) {
        case Code::NoSuchContainer: return own + "NoSuchContainer";
        case Code::NoSuchRepository: return own + "NoSuchRepository";
        case Code::NotMounted: return own + "NotMounted";
        case Code::AlreadyMounted: return own + "AlreadyMounted";
        case Code::AlreadyInstalled: return own + "AlreadyInstalled";
        case Code::Busy: return own + "Busy";
        case Code::InvalidPackage: return own + "InvalidPackage";
        case Code::InvalidSignature: return own + "InvalidSignature";
        case Code::Unsupported: return own + "Unsupported";
        case Code::Corrupted: return own + "Corrupted";
        case Code::DeviceUnavailable: return own + "DeviceUnavailable";
        case Code::Timeout: return own + "Timeout";
        case Code::CapacityExceeded: return own + "CapacityExceeded";
        case Code::Failed: return own + "Failed";
        case Code::InvalidArgs: return standard + "InvalidArgs";
        case Code::AccessDenied: return standard + "AccessDenied";
        case Code::InteractiveAuthorizationRequired: return standard + "InteractiveAuthorizationRequired";
        case Code::LimitsExceeded: return standard + "LimitsExceeded";
    }
    return own + "Failed";
}

sdbus::Error toBusError(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const Error& known) {
        return makeError(errorName(known.code()), toUtf8(known.what()));  // anything else could not be sent
    } catch (const std::bad_alloc&) {
        return makeError(errorName(Code::Failed), "The service is out of memory; try again later");
    } catch (const std::system_error& shortage) {
        return makeError(errorName(Code::Failed),
                         fmt::format("The service is short of threads or memory ({}); try later", shortage.what()));
    } catch (const sdbus::Error& unsent) {  // of the answer: a descriptor in it takes another one
        return makeError(
            errorName(Code::Failed),
            fmt::format("The service cannot send its answer ({}); try again later", toUtf8(unsent.getMessage())));
    } catch (const std::exception& unexpected) {
        log::error("Unexpected error in a call: {}", unexpected.what());
        return makeError(errorName(Code::Failed), toUtf8(std::string{"Unexpected error: "} + unexpected.what()));
    }
}

}  // namespace northstar::bus
