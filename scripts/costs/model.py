"""The cost model: operations, bytes and seconds of measuring, choosing and fine-tuning, from a model's shape and constants that were measured.

Seconds, bytes and floating-point operations throughout (a multiplication and an addition are two). Sizes are decimal: a GB is 10^9 bytes.
"""
import dataclasses, json, math, pathlib, random
from statistics import NormalDist, geometric_mean

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Shape:
    """A decoder of Llama's form: gated feed-forward part, grouped key/value heads, no biases."""

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    key_heads: int
    width: int
    vocabulary: int
    tied: bool = False

    @property
    def asked(self):
        """Weights of a layer's q, k and v."""
        return self.hidden * self.width * (self.heads + 2 * self.key_heads)

    @property
    def layer(self):
        return self.asked + self.hidden * (self.width * self.heads + 3 * self.inner)

    @property
    def weights(self):
        return self.layers * self.layer + (2 * self.layers + 1) * self.hidden + self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def levels(self):
        return self.layers * self.heads

    def measuring(self, labels):
        """Operations a token, `labels` of which predict: forward and by input, the lowest q, k and v forward only (Benchmarks/gpu.py counts the same)."""
        return 4 * self.layers * self.layer - 2 * self.asked + 4 * labels * self.hidden * self.vocabulary

    def training(self, labels):
        """Operations a token: forward, by input and by weight."""
        return 6 * self.layers * self.layer + 6 * labels * self.hidden * self.vocabulary

    def adapters(self, rank, everywhere):
        """Weights of low-rank adapters on q and v, or on all linear layers."""
        queries, keys = self.heads * self.width, self.key_heads * self.width
        sides = (self.hidden + queries) + (self.hidden + keys)
        if everywhere:
            sides += (self.hidden + keys) + (self.hidden + queries) + 3 * (self.hidden + self.inner)
        return self.layers * rank * sides

    def activations(self, recompute):
        """Bytes a token of a measurement in bfloat16, as ActivationEstimate.swift counts them."""
        outputs = self.width * (2 * self.heads + 2 * self.key_heads) + 2 * self.hidden + 2 * self.inner
        return 2 * (outputs + (self.layers + 1) * self.hidden if recompute else self.layers * outputs)


SHAPES = {shape.name: shape for shape in (
    Shape("base-8m", 8, 256, 704, 8, 4, 32, 8192, True),
    Shape("smollm2-135m", 30, 576, 1536, 9, 3, 64, 49152, True),
    Shape("bench-100m", 8, 1024, 2816, 16, 4, 64, 32000),
    Shape("Llama 3.2 1B", 16, 2048, 8192, 32, 8, 64, 128256, True),
    Shape("Llama 3 8B", 32, 4096, 14336, 32, 8, 128, 128256),
    Shape("Llama 3 70B", 80, 8192, 28672, 64, 8, 128, 128256),
)}
SMALL, MIDDLE, LARGE = SHAPES["smollm2-135m"], SHAPES["Llama 3 8B"], SHAPES["Llama 3 70B"]


class Lengths:
    """Tokens of GSM8K's samples: quantiles of prompts and responses, tied by their rank correlation (Benchmarks/lengths.json)."""

    table = json.loads((ROOT / "Benchmarks/lengths.json").read_text())
    prompt, response = (sum(q[:-1]) / 40 + sum(q[1:]) / 40 for q in (table["prompt"], table["response"]))
    mean, labels = prompt + response, response / (prompt + response)

    @staticmethod
    def draw(count, seed):
        """Tokens of so many samples."""
        chance, normal, at = random.Random(seed), NormalDist(), lambda q, u: q[min(int(20 * u), 19)] + (20 * u - min(int(20 * u), 19)) * (q[min(int(20 * u), 19) + 1] - q[min(int(20 * u), 19)])
        rho = 2 * math.sin(math.pi * Lengths.table["rank_correlation"] / 6)
        found = []
        for _ in range(count):
            one, other = chance.gauss(0, 1), chance.gauss(0, 1)
            found.append(round(at(Lengths.table["prompt"], normal.cdf(one)) + at(Lengths.table["response"], normal.cdf(rho * one + math.sqrt(1 - rho**2) * other))))
        return found


# Measured: docs/Performance.md, and docs/Tokenizers.md for the tokenizer.
MATRIX_RATE = 668e12  # one H200, bfloat16 products of 8192 x 8192
GPU_SHARE = 13_690 * 29.2e9 / MATRIX_RATE  # Llama 3 8B, patterns
TEXT_RATE = 20e6  # bytes a second, one thread, reading JSON and tokenising (Llama 3)
TEXT_BYTES = 4_915_944 / 8_792  # of a record: GSM8K's two files
LOADING = 16.06e9 / (7.0 - 3.9)  # bytes of weights a second, starting included, one H200
SAMPLE_BYTES, TOKEN_BYTES = 200 - 4 * 9, 9  # of memory: 200 for a sample of 4 tokens; a token is an Int and a Bool (TokenizedSample.swift)
FINISH_SAMPLE, FINISH_BYTE = 42 / 999_936, 42 / 4.096e9  # the result written from the journal: if samples cost, or if bytes do
SELECT_RATE, SELECT_TEXT, SELECT_PAIR = 4.096e9 / 0.295, 4.7e-6, 1.2 / (1e6 * 32 * 1024)  # bytes a second; seconds a sample's text; seconds a number and target
SIGN = 1.0e-9  # seconds to draw one sign of a projection, one core
MORE_MEMORY = (847 - 163) * 2**20 / (8192 - 1024) / SHAPES["bench-100m"].activations(True)  # of activations with --memory low than estimated

# Assumed; docs/Scaling.md says where from.
NODE, CARDS = 8, {"80 GB": 80e9, "141 GB": 139 * 2**30}  # GPUs a node; memory of a card (139 GiB were free on the H200)
LIBRARIES = 2e9  # bytes of a card that libraries, logits and buckets take
CORES, CORE_RATE = 64, 375e9 * 0.76 / 2  # of a node of processors; operations a second of each, as on the EPYC
NODE_MEMORY, CARD_LINK, HOST_LINK, NODE_DISK, SHARED_DISK = 2e12, 50e9, 12.5e9, 6e9, 2e9  # bytes; bytes a second
STORE, ROUND_TRIP = 6 * 14e-6, 100e-6  # seconds: the store's one thread for a batch's six requests (its number; the result set, asked for, fetched, deleted); there and back
MESSAGE = {"NCCL, 400 Gb/s": (CARD_LINK, 5e-6), "Gloo over TCP, 100 Gb/s": (5e9, 30e-6)}  # bytes a second, seconds a message
BATCH, POOL, CLUSTER = 8192, 10**8, 1024
FAILURE = 54 * 86_400 * 16_384 / 419  # seconds between interruptions of one GPU (Llama 3, section 3.3.4)
DETECTION, LAUNCH = 21, 60  # seconds until a silent rank is missed; until the scheduler has started processes again


def gpu_seconds(operations):
    return operations / (GPU_SHARE * MATRIX_RATE)


def token_seconds(shape, recompute=None):
    """Of measuring one token on one GPU; recomputing layers adds a pass forward (6 for 4 operations a weight)."""
    recompute = shape is LARGE if recompute is None else recompute
    return gpu_seconds(shape.measuring(Lengths.labels) * (1.5 if recompute else 1))


def reading(samples=POOL):
    """Seconds of reading and tokenising, by every rank for itself."""
    return samples * TEXT_BYTES / TEXT_RATE


def host_memory(samples=POOL):
    """Bytes of the list of samples in each rank."""
    return samples * (SAMPLE_BYTES + TOKEN_BYTES * Lengths.mean)


def record(shape, scores=1):
    """Bytes of a sample in the journal."""
    return 12 + 4 * scores * shape.levels


def finishing(shape, samples=POOL):
    """Seconds of rank 0 writing the result from the journal: (if samples are what costs, if bytes are)."""
    return samples * FINISH_SAMPLE, samples * 4 * shape.levels * FINISH_BYTE


def patterns(shape, ranks, samples=POOL, parts=False):
    """Seconds (starting, reading, measuring, finishing) of a measurement; with `parts` each rank has a file of its own."""
    share = ranks if parts else 1
    return 2 * shape.weights / LOADING, reading(samples) / share, samples * Lengths.mean * token_seconds(shape) / ranks, max(finishing(shape, samples)) / share


def young(cost, between):
    """The best seconds between checkpoints that take `cost` (Young 1974; Daly 2006)."""
    return math.sqrt(2 * cost * between)


def lost(interval, cost, between, restart):
    """The expected share of time that is spent on checkpoints, on work done again and on starting again."""
    return cost / interval + interval / (2 * between) + restart / between


# (machine, work, model, tokens/s of bare products, tokens/s of Headway, table of docs/Performance.md). The EPYC's first four are of before its products went by kernels of
# Headway's own, in tables that newer ones have replaced.
MEASURED = [
    ("EPYC", "patterns", "smollm2-135m", 772, 495, "replaced"),
    ("EPYC", "patterns", "bench-100m", 834, 726, "replaced"),
    ("EPYC", "fine-tuning", "smollm2-135m", 495, 373, "replaced"),
    ("EPYC", "fine-tuning", "bench-100m", 560, 488, "replaced"),
    ("EPYC", "patterns", "Llama 3 8B", 13.0, 11.9, "Large models, `normal`"),
    ("EPYC", "patterns, layers again", "Llama 3 8B", 13.0, 9.6, "Large models, `auto`"),
    ("Xeon", "patterns", "smollm2-135m", 539, 417, "multiplies bfloat16 slowly"),
    ("Xeon", "patterns", "bench-100m", 660, 511, "multiplies bfloat16 slowly"),
    ("Xeon", "fine-tuning", "smollm2-135m", 384, 274, "multiplies bfloat16 slowly"),
    ("Xeon", "fine-tuning", "bench-100m", 423, 334, "multiplies bfloat16 slowly"),
    ("Xeon", "patterns, float32", "base-8m", 8898, 6276, "multiplies bfloat16 slowly"),
    ("Xeon", "patterns, float32", "smollm2-135m", 554, 359, "multiplies bfloat16 slowly"),
    ("Xeon", "patterns, float32", "bench-100m", 649, 478, "multiplies bfloat16 slowly"),
]


def operations(work, model):
    return SHAPES[model].training(Lengths.labels) if work == "fine-tuning" else SHAPES[model].measuring(Lengths.labels)


def is_again(row):
    return "again" in row[1]


def fits():
    """For each row the rate of products and Headway's speed as the other rows predict them: (row, products, Headway). Rows of the same products say nothing new of them."""
    for row in MEASURED:
        rate = geometric_mean(r[3] * operations(r[1], r[2]) for r in MEASURED if r[0] == row[0] and r[2:4] != row[2:4])
        share = geometric_mean(r[4] / r[3] for r in MEASURED if r is not row and not is_again(r))
        products = rate / operations(row[1], row[2])
        yield row, products, share * products / (1.5 if is_again(row) else 1)


def product_rate(machine):
    """Operations a second of bare products, over all rows of a machine."""
    return geometric_mean(r[3] * operations(r[1], r[2]) for r in MEASURED if r[0] == machine and not is_again(r))


def share_of_products():
    """Headway's speed as a share of that of bare products, over all rows of processors."""
    return geometric_mean(r[4] / r[3] for r in MEASURED if not is_again(r))
