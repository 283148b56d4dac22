// SPDX-License-Identifier: Apache-2.0
// Does what a sanitizer reports, on request: with it the guest shows that a fault of the service would be noticed.
#include <climits>
#include <cstring>

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "overflow") == 0) {
        volatile int number = INT_MAX;  // volatile: else the compiler sees how it ends
        number = number + argc;
    }
    if (argc == 2 && std::strcmp(argv[1], "leak") == 0) {
        // Several, lest a register still holds one's address at the end.
        for (int count = 0; count < 10; ++count) static_cast<void>(new int[100]);
    }
}
