"""Small simulations, each by a seed: batches dealt to ranks, what rank 0 does meanwhile, a training step's buckets, windows of uneven samples, and failures."""
import heapq, itertools, random
from statistics import fmean

from costs import model


def batches(samples, tokens, seed=1):
    """Tokens of the batches that samples of GSM8K's lengths are planned in, in the order of the data. Of more than 20,000 samples the lengths come again."""
    lengths, found, room = model.Lengths.draw(min(samples, 20_000), seed), [], 0
    for length in itertools.islice(itertools.cycle(lengths), samples):
        if length > room:
            found.append(0)
            room = tokens
        found[-1] += length
        room -= length
    return found


def speeds(ranks, chance):
    """Each rank's speed: 3% apart from node to node, 1% from rank to rank, and a node in 64 at half speed, by chance."""
    found = []
    while len(found) < ranks:
        node = chance.lognormvariate(0, 0.03) * (0.5 if chance.random() < 1 / 64 else 1)
        found += [node * chance.lognormvariate(0, 0.01) for _ in range(model.NODE)]
    return found[:ranks]


def dealing(work, ranks, seeds=10):
    """`dealt` over several clusters: the means."""
    return [fmean(shares) for shares in zip(*(dealt(work, ranks, seed) for seed in range(seeds)))]


def dealt(work, ranks, seed):
    """How busy ranks are, from the first batch to the last, if batches are dealt by a counter and if each rank has its part from the start: (counter, parts).

    A batch takes as long as it has tokens, with 5% of noise; 1 means that every rank computes at its own speed all the time.
    """
    chance = random.Random(seed)
    speed = speeds(ranks, chance)
    seconds = [tokens * chance.lognormvariate(0, 0.05) for tokens in work]
    free = [(0.0, rank) for rank in range(ranks)]
    for needed in seconds:
        time, rank = free[0]
        heapq.heapreplace(free, (time + needed / speed[rank], rank))
    bounds = [len(work) * rank // ranks for rank in range(ranks + 1)]
    parts = max(sum(seconds[bounds[rank] : bounds[rank + 1]]) / speed[rank] for rank in range(ranks))
    ideal = sum(seconds) / sum(speed)
    return ideal / max(time for time, _ in free), ideal / parts


def with_rank_0(work, ranks, token_seconds, bytes_a_token, write_rate, seed=1):
    """Batches dealt by the store of rank 0, whose link brings the results and whose one thread writes them in order: (share of ideal, share but for writing, most bytes that wait).

    Events are requests and results; store, link and writer serve one at a time, in order of arrival (the writer in order of the plan).
    """
    chance = random.Random(seed)
    speed = speeds(ranks, chance)
    seconds = [tokens * token_seconds * chance.lognormvariate(0, 0.05) for tokens in work]
    events = [(0.0, rank, -1) for rank in range(ranks)]
    store = link = 0.0
    asked, arrived = 0, [0.0] * len(work)
    while events:
        time, rank, batch = heapq.heappop(events)
        if batch >= 0:
            time = link = arrived[batch] = max(time, link) + work[batch] * bytes_a_token / model.HOST_LINK
        store = max(time, store) + model.STORE
        if asked < len(work):
            heapq.heappush(events, (store + model.ROUND_TRIP + seconds[asked] / speed[rank], rank, asked))
            asked += 1
    done, waits = 0.0, []
    for batch, tokens in enumerate(work):
        done = max(done, arrived[batch]) + tokens * bytes_a_token / write_rate
        waits += [(arrived[batch], tokens * bytes_a_token), (done, -tokens * bytes_a_token)]
    ideal = sum(seconds) / sum(speed)
    return ideal / done, ideal / max(arrived), max(itertools.accumulate(change for _, change in sorted(waits)))


def training_step(shape, ranks, computed, bucket, network):
    """Seconds of an update with ZeRO stage 2 whose computation takes `computed` seconds, a third of them on the way forward.

    Buckets of float32 gradients are exchanged one after the other as the way back fills them, by a message to every other rank; then the bfloat16 copies are gathered in as many messages.
    """
    rate, message = network
    forward = computed / 3
    count = max(1, round(4 * shape.weights / bucket))
    exchange = (ranks - 1) * (message + 4 * shape.weights / count / ranks / rate)
    link = 0.0
    for number in range(count):
        link = max(link, forward + (computed - forward) * (number + 1) / count) + exchange
    gather = (ranks - 1) * (count * message + 2 * shape.weights / ranks / rate)
    return max(link, computed) + gather


def window(ranks, each, updates, seed=1):
    """How busy ranks are in updates of `each` samples a rank: (dealt by number, longest first to whoever has least)."""
    lengths, by_number, by_tokens = model.Lengths.draw(ranks * each * updates, seed), [], []
    for first in range(0, len(lengths), ranks * each):
        samples = lengths[first : first + ranks * each]
        mean = sum(samples) / ranks
        by_number.append(mean / max(sum(samples[rank * each : (rank + 1) * each]) for rank in range(ranks)))
        ends = [0] * ranks
        for length in sorted(samples, reverse=True):
            heapq.heapreplace(ends, ends[0] + length)
        by_tokens.append(mean / max(ends))
    return fmean(by_number), fmean(by_tokens)


def failing(interval, cost, between, restart, seed=1, failures=20_000):
    """The share of time lost in a run with checkpoints every `interval` seconds of work, over so many failures drawn."""
    chance, time, work = random.Random(seed), 0.0, 0.0
    for _ in range(failures):
        until = chance.expovariate(1 / between)
        work += int(until / (interval + cost)) * interval
        time += until + restart
    return 1 - work / time
