/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk back as a stack of frames, one for each span that the path is in at that moment. The
 * children of a span on the path are a heap by their end, in a pool that grows and shrinks with the
 * stack; a span is in it at most once. */
#include "trace/critical_path.h"

#include "base/sys.h"

#define OVERLAP_SHARE                                                                              \
    100 /* by a part of its parent smaller than 1 / so many a child may overlap                    \
         */

/* A child as far as it lies within its parent. */
struct candidate {
    int64_t start_ns, end_ns;
    uint32_t span;
};

struct frame {
    uint32_t span;
    uint32_t pool_begin, pool_end; /* its candidates: a heap, the one that ends last on top */
    int64_t start_ns;              /* where the walk leaves it */
    int64_t now_ns;                /* where the walk is: in the first round at its end, then at
                                      the start of the child it has come to last */
    int64_t next_end_ns;           /* where that child ends; without one INT64_MIN */
    int64_t passed_end_ns;         /* where the child ends that was passed over last */
    struct tcore_interval within;  /* the span as far as it lies within its parent */
    int64_t children_ns;           /* what children on the path took */
};

/* --- Memory */

static bool grow(void **array, size_t *capacity, size_t wanted, size_t bytes)
{
    if (wanted <= *capacity)
        return true;
    size_t n = wanted < 64 ? 64 : wanted;
    if (n < *capacity * 2)
        n = *capacity * 2;
    void *grown = tcore_reallocarray(*array, n, bytes);
    if (!grown)
        return false;
    *array = grown;
    *capacity = n;
    return true;
}

static bool reserve(struct tcore_critical_path *path, uint32_t count)
{
    if (count <= path->span_capacity)
        return true;
    uint32_t n = count < 64 ? 64 : count;
    tcore_free(path->spans);
    tcore_free(path->exclusive_ns);
    tcore_free(path->frames);
    tcore_free(path->pool);
    path->spans = tcore_reallocarray(NULL, n, sizeof *path->spans);
    path->exclusive_ns = tcore_reallocarray(NULL, n, sizeof *path->exclusive_ns);
    path->frames = tcore_reallocarray(NULL, n, sizeof(struct frame));
    path->pool = tcore_reallocarray(NULL, n, sizeof(struct candidate));
    bool whole = path->spans && path->exclusive_ns && path->frames && path->pool;
    path->span_capacity = whole ? n : 0;
    return path->span_capacity;
}

void tcore_critical_path_free(struct tcore_critical_path *path)
{
    tcore_free(path->spans);
    tcore_free(path->exclusive_ns);
    tcore_free(path->frames);
    tcore_free(path->pool);
    tcore_free(path->segments);
    *path = (struct tcore_critical_path){0};
}

/* --- The walk */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Whether the walk comes to a before b: a ends later; or they end together and a started first. */
static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    if (a->end_ns != b->end_ns)
        return a->end_ns > b->end_ns;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns;
    return a->span < b->span;
}

/* Lets the element at a heap's position sink to its place. */
static void sift_down(struct candidate *heap, uint32_t count, uint32_t at)
{
    struct candidate sinking = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && comes_before(&heap[child + 1], &heap[child]))
            child++;
        if (!comes_before(&heap[child], &sinking))
            break;
        heap[at] = heap[child];
    }
    heap[at] = sinking;
}

/* Begins a frame for the part of the span from start to end; its candidates go on top of the pool.
 * within: the span that it is in, as far as that lies within its own. */
static struct frame enter(const struct tcore_critical_path *path,
                          const struct tcore_trace_tree *tree, const struct candidate *part,
                          const struct tcore_interval *within, uint32_t pool_begin)
{
    struct candidate *pool = path->pool;
    const struct tcore_interval *own = &tree->interval[part->span];
    uint32_t at = pool_begin;
    for (uint32_t c = tree->first[part->span]; c < tree->first[part->span + 1]; c++) {
        uint32_t child = tree->children[c];
        const struct tcore_interval *interval = &tree->interval[child];
        int64_t from = later(interval->start_ns, part->start_ns);
        int64_t to = earlier(interval->end_ns, part->end_ns);
        if (tcore_interval_is_known(interval) && from < to)
            pool[at++] = (struct candidate){.start_ns = from, .end_ns = to, .span = child};
    }
    for (uint32_t i = (at - pool_begin) / 2; i-- > 0;)
        sift_down(pool + pool_begin, at - pool_begin, i);
    return (struct frame){
        .span = part->span,
        .pool_begin = pool_begin,
        .pool_end = at,
        .start_ns = part->start_ns,
        .now_ns = part->end_ns,
        .next_end_ns = INT64_MIN,
        .passed_end_ns = INT64_MIN,
        .within = {later(own->start_ns, within->start_ns), earlier(own->end_ns, within->end_ns)}};
}

static bool add_segment(struct tcore_critical_path *path, uint32_t span, int64_t start_ns,
                        int64_t end_ns)
{
    void *segments = path->segments;
    if (start_ns == end_ns)
        return true;
    if (!grow(&segments, &path->segment_capacity, path->segment_count + 1, sizeof *path->segments))
        return false;
    path->segments = segments;
    path->segments[path->segment_count++] =
        (struct tcore_critical_segment){.start_ns = start_ns, .end_ns = end_ns, .span = span};
    return true;
}

/* Whether two children of the span or more start from from_ns to to_ns. Those that have a start are
 * in its order. */
static bool several_start(const struct tcore_trace_tree *tree, uint32_t span, int64_t from_ns,
                          int64_t to_ns)
{
    uint32_t low = tree->first[span], end = tree->first[span + 1];
    for (uint32_t high = end; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const struct tcore_trace_span *child = &tree->spans[tree->children[middle]];
        if ((child->flags & TCORE_SPAN_HAS_START) && child->start_ns < from_ns)
            low = middle + 1;
        else
            high = middle;
    }
    if (end - low < 2)
        return false;
    const struct tcore_trace_span *second = &tree->spans[tree->children[low + 1]];
    return (second->flags & TCORE_SPAN_HAS_START) && second->start_ns <= to_ns;
}

/* Whether the child, just taken off the heap, precedes the one that the walk has come to, although
 * it ends after that one's start: clocks may be so far apart. */
static bool overlaps_by_clocks(const struct tcore_critical_path *path,
                               const struct tcore_trace_tree *tree, const struct frame *frame,
                               const struct candidate *child)
{
    const struct candidate *heap = (const struct candidate *)path->pool + frame->pool_begin;
    int64_t overlap = child->end_ns - frame->now_ns;
    if (child->end_ns >= frame->next_end_ns || child->start_ns >= frame->now_ns ||
        overlap > (frame->within.end_ns - frame->within.start_ns - 1) / OVERLAP_SHARE)
        return false;
    bool another_ends = child->end_ns == frame->passed_end_ns ||
                        (frame->pool_end > frame->pool_begin && heap[0].end_ns >= frame->now_ns);
    return !another_ends && !several_start(tree, frame->span, frame->now_ns, child->end_ns);
}

/* Takes the child that the walk goes into next off the heap; false: none is left. */
static bool take_child(const struct tcore_critical_path *path, const struct tcore_trace_tree *tree,
                       struct frame *frame, struct candidate *child)
{
    struct candidate *heap = (struct candidate *)path->pool + frame->pool_begin;
    while (frame->pool_end > frame->pool_begin) {
        uint32_t left = --frame->pool_end - frame->pool_begin;
        *child = heap[0];
        heap[0] = heap[left];
        sift_down(heap, left, 0);
        if (child->end_ns <= frame->now_ns || overlaps_by_clocks(path, tree, frame, child)) {
            frame->next_end_ns = child->end_ns;
            child->end_ns = earlier(child->end_ns, frame->now_ns);
            return true;
        }
        frame->passed_end_ns = child->end_ns;
    }
    return false;
}

/* The walk leaves the span of the frame on top. */
static void leave(struct tcore_critical_path *path, struct frame *frames, uint32_t height)
{
    const struct frame *frame = &frames[height - 1];
    int64_t took = frame->within.end_ns - frame->within.start_ns;
    path->spans[path->span_count] = frame->span;
    path->exclusive_ns[path->span_count++] = later(took - frame->children_ns, 0);
    if (height > 1)
        frames[height - 2].children_ns += took;
}

static bool walk_back(struct tcore_critical_path *path, const struct tcore_trace_tree *tree,
                      uint32_t root)
{
    struct frame *frames = path->frames;
    const struct tcore_interval *whole = &tree->interval[root];
    struct candidate part = {.start_ns = whole->start_ns, .end_ns = whole->end_ns, .span = root};
    uint32_t height = 1;
    frames[0] = enter(path, tree, &part, whole, 0);
    while (height) {
        struct frame *frame = &frames[height - 1];
        bool found = take_child(path, tree, frame, &part);
        if (!add_segment(path, frame->span, found ? part.end_ns : frame->start_ns, frame->now_ns))
            return false;
        if (!found) {
            leave(path, frames, height--);
            continue;
        }
        frame->now_ns = part.start_ns;
        frames[height++] = enter(path, tree, &part, &frame->within, frame->pool_end);
    }
    return true;
}

/* What was found walking back, in the order of time. */
static void reverse(struct tcore_critical_path *path)
{
    for (size_t i = 0, j = path->segment_count; i + 1 < j; i++) {
        struct tcore_critical_segment segment = path->segments[--j];
        path->segments[j] = path->segments[i];
        path->segments[i] = segment;
    }
    for (uint32_t i = 0, j = path->span_count; i + 1 < j; i++) {
        uint32_t span = path->spans[--j];
        path->spans[j] = path->spans[i];
        path->spans[i] = span;
        int64_t exclusive = path->exclusive_ns[j];
        path->exclusive_ns[j] = path->exclusive_ns[i];
        path->exclusive_ns[i] = exclusive;
    }
}

enum tcore_status tcore_critical_path_find(struct tcore_critical_path *path,
                                           const struct tcore_trace_tree *tree, uint32_t root,
                                           struct tcore_error *err)
{
    const struct tcore_interval *whole = &tree->interval[root];
    path->segment_count = 0;
    path->span_count = 0;
    path->duration_ns = 0;
    if (!tcore_interval_is_known(whole))
        return TCORE_OK;
    if (!reserve(path, tree->count) || !walk_back(path, tree, root))
        return tcore_error_nomem(err);
    reverse(path);
    path->duration_ns = whole->end_ns - whole->start_ns;
    return TCORE_OK;
}

size_t tcore_critical_path_behind(const struct tcore_critical_path *path, int64_t ns)
{
    size_t low = 0, high = path->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (path->segments[middle].end_ns <= ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
