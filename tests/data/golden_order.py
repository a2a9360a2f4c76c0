"""Prints the order in test_data_loader.cpp: the first epoch of 8 samples with seed 3, written down
once more from the definitions (Philox4x32-10, unbiased remainders, Fisher and Yates from behind)."""

MASK = 0xFFFFFFFF


def philox(seed, index):
    c = [index & MASK, index >> 32, 0, 0]
    k = [seed & MASK, seed >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & MASK, p0 >> 32 ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def draws(seed):
    index = 0
    while True:
        words = philox(seed, index)
        yield words[1] << 32 | words[0]
        index += 1


def below(stream, n):
    limit = 2**64 - 1 - (2**64 - 1) % n
    return next(value for value in stream if value < limit) % n


def epoch_order(seed, epoch, samples):
    words = philox(seed, epoch)
    stream = draws(words[0] << 32 | words[1])
    order = list(range(samples))
    for i in range(samples - 1, 0, -1):
        j = below(stream, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


print(epoch_order(3, 0, 8))
