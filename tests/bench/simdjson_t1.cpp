/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Task T1 with simdjson's On-Demand, on one thread: simdjson_t1 FILE OUTPUT [walk]
 *
 * The file is read in blocks of whole lines, and a block goes through iterate_many, as the
 * library's documentation has it for NDJSON. Groups live in a hash table, durations in histograms
 * of 128 buckets an octave (at most 0.4 % off), so that the time is the parser's.
 */
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <unordered_map>
#include <vector>

using namespace simdjson;

namespace
{

constexpr size_t block_bytes = size_t{1} << 20;

struct group {
    std::string service, name;
    uint64_t count = 0, errors = 0, largest = 0;
    unsigned __int128 sum = 0;
    std::vector<uint32_t> buckets = std::vector<uint32_t>(64 * 128);

    static size_t bucket(uint64_t value)
    {
        unsigned octave = value ? std::bit_width(value) - 1 : 0;
        uint64_t rest = octave >= 7 ? value >> (octave - 7) : value << (7 - octave);
        return octave * 128 + (rest & 127);
    }

    static double middle(size_t bucket)
    {
        double low = std::ldexp(1 + double(bucket % 128) / 128, int(bucket / 128));
        return low + std::ldexp(1.0 / 256, int(bucket / 128));
    }

    void add(uint64_t duration, bool error)
    {
        count++;
        errors += error;
        largest = std::max(largest, duration);
        sum += duration;
        buckets[bucket(duration)]++;
    }

    double quantile(double q) const
    {
        uint64_t rank = uint64_t(std::ceil(q * double(count))), seen = 0;
        for (size_t i = 0; i < buckets.size(); i++)
            if ((seen += buckets[i]) >= rank)
                return std::min(middle(i), double(largest));
        return double(largest);
    }
};

struct aggregation {
    std::unordered_map<std::string, group> groups;
    std::string key;

    void add(std::string_view service, std::string_view name, uint64_t duration, bool error)
    {
        key.assign(service).append(1, '\0').append(name);
        auto found = groups.find(key);
        if (found == groups.end()) {
            found = groups.emplace(key, group{}).first;
            found->second.service = service;
            found->second.name = name;
        }
        found->second.add(duration, error);
    }
};

/* Looks fields up in the order of a usual record: the fastest when they come in that order. */
void look_up(aggregation &all, ondemand::object record)
{
    std::string_view name = record["name"];
    uint64_t duration = record["durationNano"];
    bool error = std::string_view(record["status"]) == "error";
    std::string_view service = record["service"];
    all.add(service, name, duration, error);
}

/* Goes through all fields: the fastest when their order changes. */
void walk(aggregation &all, ondemand::object record)
{
    std::string_view name, status, service;
    uint64_t duration = 0;
    for (auto field : record) {
        auto key = field.key().value();
        if (key.unsafe_is_equal("name"))
            name = field.value();
        else if (key.unsafe_is_equal("durationNano"))
            duration = field.value();
        else if (key.unsafe_is_equal("status"))
            status = field.value();
        else if (key.unsafe_is_equal("service"))
            service = field.value();
    }
    all.add(service, name, duration, status == "error");
}

using reader = void (*)(aggregation &, ondemand::object);

template <reader read_record>
void add_block(aggregation &all, ondemand::parser &parser, const char *text, size_t length)
{
    ondemand::document_stream records;
    auto failed = parser.iterate_many(text, length, block_bytes).get(records);
    if (failed)
        throw simdjson_error(failed);
    for (auto record : records)
        read_record(all, record.get_object());
}

template <reader read_record> void add_file(aggregation &all, int fd)
{
    ondemand::parser parser;
#ifdef SIMDJSON_THREADS_ENABLED
    parser.threaded = false;
#endif
    auto buffer = std::make_unique<char[]>(block_bytes + SIMDJSON_PADDING);
    size_t filled = 0;
    for (ssize_t bytes; (bytes = read(fd, buffer.get() + filled, block_bytes - filled)) > 0;) {
        filled += size_t(bytes);
        std::string_view text(buffer.get(), filled);
        size_t whole = text.rfind('\n') + 1;
        if (whole == 0)
            throw std::runtime_error("a line longer than a block");
        std::memset(buffer.get() + filled, 0, SIMDJSON_PADDING);
        add_block<read_record>(all, parser, buffer.get(), whole);
        std::memmove(buffer.get(), buffer.get() + whole, filled - whole);
        filled -= whole;
    }
    if (filled)
        add_block<read_record>(all, parser, buffer.get(), filled);
}

int write_groups(const aggregation &all, const char *path)
{
    FILE *file = std::fopen(path, "w");
    if (!file)
        return 1;
    for (const auto &[key, group] : all.groups)
        std::fprintf(file, "%s\t%s\t%llu\t%llu\t%.17g\t%.17g\t%.17g\t%.17g\t%llu\n",
                     group.service.c_str(), group.name.c_str(), (unsigned long long)group.count,
                     (unsigned long long)group.errors, double(group.sum) / double(group.count),
                     group.quantile(0.5), group.quantile(0.95), group.quantile(0.99),
                     (unsigned long long)group.largest);
    return std::fclose(file);
}

} // namespace

int main(int argc, char **argv)
{
    bool any_order = argc == 4 && std::strcmp(argv[3], "walk") == 0;
    int fd = argc == 3 || any_order ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0) {
        std::fprintf(stderr, "Usage: simdjson_t1 FILE OUTPUT [walk]\n");
        return 2;
    }
    aggregation all;
    try {
        any_order ? add_file<walk>(all, fd) : add_file<look_up>(all, fd);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "simdjson_t1: %s\n", error.what());
        return 4;
    }
    if (write_groups(all, argv[2]) != 0) {
        std::fprintf(stderr, "simdjson_t1: %s: %s\n", argv[2], std::strerror(errno));
        return 4;
    }
    return 0;
}
